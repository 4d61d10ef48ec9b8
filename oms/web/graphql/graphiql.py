"""GraphiQL, the page at /graphql in a browser, with scripts and styles from /static."""

from functools import lru_cache
from typing import Final

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from jinja2.ext import i18n
from starlette.requests import Request
from starlette.responses import HTMLResponse

from oms.platform.locale import language
from oms.platform.settings import PROJECT_DIR

PAGE: Final = PROJECT_DIR / "templates" / "graphiql.html"

# Strict for scripts and styles alike: the vendored build injects neither (static/vendor/README.md says how).
_POLICY: Final = {
    "default-src": "'none'",
    "script-src": "'self'",
    "style-src": "'self'",
    "connect-src": "'self'",  # which counts the WebSocket to the same host
    "img-src": "'self' data:",
    "font-src": "'self'",
    "worker-src": "'self'",
    "base-uri": "'none'",
    "form-action": "'none'",
    "frame-ancestors": "'none'",
}

HEADERS: Final = {
    "Content-Security-Policy": "; ".join(f"{what} {sources}" for what, sources in _POLICY.items()),
    "Referrer-Policy": "no-referrer",  # the address may carry a query with customers' data
    "Vary": "Accept, Accept-Language, Cookie",
}

_API_MEDIA_TYPES: Final = frozenset({"application/json", "application/graphql-response+json", "text/event-stream"})


def wants_graphiql(request: Request) -> bool:
    """True for a browser that opens /graphql: it accepts text/html and none of the API's own media types."""
    if request.method not in {"GET", "HEAD"}:
        return False
    ranges = ",".join(request.headers.getlist("accept")).split(",")
    accepted = {media_range.partition(";")[0].strip().lower() for media_range in ranges}
    return "text/html" in accepted and accepted.isdisjoint(_API_MEDIA_TYPES)


def graphiql_page(*, demo: bool) -> HTMLResponse:
    """The page, which queries the API as its reader. In a `demo` it says so."""
    return HTMLResponse(_page(demo=demo, spoken=language.current_language()), headers=HEADERS)


@lru_cache(maxsize=2 * len(language.Language))
def _page(*, demo: bool, spoken: language.Language) -> str:
    """`spoken`: the language of the present request."""
    templates = Environment(
        loader=FileSystemLoader(PAGE.parent), autoescape=True, undefined=StrictUndefined, extensions=[i18n]
    )
    templates.install_gettext_callables(  # type: ignore[attr-defined]  # the extension adds it
        language.gettext, language.ngettext, newstyle=True
    )
    return templates.get_template(PAGE.name).render(demo=demo, language=spoken)
