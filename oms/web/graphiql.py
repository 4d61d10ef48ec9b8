"""GraphiQL at /graphql in a browser: a static page whose scripts and styles all come from /static."""

from typing import Final

from starlette.requests import Request
from starlette.responses import FileResponse

from oms.settings import PROJECT_DIR

PAGE: Final = PROJECT_DIR / "templates" / "graphiql.html"

# Strict for scripts and styles alike: the vendored build injects neither (static/vendor/README.md says how).
_POLICY: Final = {
    "default-src": "'none'",
    "script-src": "'self'",
    "style-src": "'self'",
    "connect-src": "'self' ws: wss:",  # some browsers do not count a WebSocket to the same host as 'self'
    "img-src": "'self' data:",
    "font-src": "'self'",
    "worker-src": "'self'",
    "base-uri": "'none'",
    "form-action": "'none'",
    "frame-ancestors": "'none'",
}

HEADERS: Final = {
    "Content-Security-Policy": "; ".join(f"{what} {sources}" for what, sources in _POLICY.items()),
    "Cache-Control": "no-cache",
    "Referrer-Policy": "no-referrer",  # the address may carry a query with customers' data
    "Vary": "Accept",
    "X-Content-Type-Options": "nosniff",
}

_ANSWERS_OF_THE_API: Final = frozenset({"application/json", "application/graphql-response+json", "text/event-stream"})


def wants_graphiql(request: Request) -> bool:
    """True for a browser that opens /graphql: it accepts text/html and none of the API's own media types."""
    if request.method not in {"GET", "HEAD"}:
        return False
    ranges = ",".join(request.headers.getlist("accept")).split(",")
    accepted = {media_range.partition(";")[0].strip().lower() for media_range in ranges}
    return "text/html" in accepted and accepted.isdisjoint(_ANSWERS_OF_THE_API)


def graphiql_page() -> FileResponse:
    """The page with its headers: what it shows, it asks of the API as whoever reads it."""
    return FileResponse(PAGE, media_type="text/html", headers=HEADERS)
