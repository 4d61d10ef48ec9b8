"""What all pages share: they run their GraphQL document as the viewer and render their template."""

import secrets
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any, Final, Self
from urllib.parse import parse_qsl

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from jinja2.ext import i18n
from starlette.requests import Request
from starlette.responses import HTMLResponse, RedirectResponse, Response

from oms.domain.access.permissions import Viewer
from oms.domain.idempotency.keys import IdempotencyKey
from oms.domain.vocabulary.actor import Role
from oms.domain.vocabulary.wording import wording
from oms.platform.locale import language
from oms.platform.locale.time_zone import chosen_zone, current_zone
from oms.platform.settings import PROJECT_DIR
from oms.web.auth.csrf import FIELD, FormToken, is_valid
from oms.web.auth.same_origin import is_own
from oms.web.errors.codes import HTTP_STATUS, ErrorCode
from oms.web.errors.refusals import RequestRefused
from oms.web.graphql.api import QUERIES, QUERIES_AND_MUTATIONS, Api
from oms.web.graphql.idempotency_key import form_key
from oms.web.graphql.request import GraphQLRequest
from oms.web.pages.rendering import formatting
from oms.web.pages.rendering.assets import asset
from oms.web.pages.rendering.compression import compressed
from oms.web.pages.rendering.journey import journey
from oms.web.pages.rendering.multipart import boundary_of, fields_and_files
from oms.web.server.bodies import read_body

TEMPLATES: Final = PROJECT_DIR / "templates"
MAX_FORM_BYTES: Final = 64 * 1024
MAX_UPLOAD_BYTES: Final = 512 * 1024
"""Of a form with a file."""

_POLICY: Final = (
    "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src 'self' data:; "
    "manifest-src 'self'; worker-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'"
)
HEADERS: Final = {
    "Content-Security-Policy": _POLICY,
    "Vary": "Cookie, Accept-Language",
}

LAYOUTS: Final[Mapping[Role, str]] = {Role.CUSTOMER: "reader.html", Role.COURIER: "hand.html"}
"""The layout of pages that several roles share; the other roles are staff."""

_FOREIGN_FORM: Final = wording("Form not accepted")
_STALE_FORM: Final = wording(
    "The page was open for too long, somebody else has signed in since, or the form came from another site. "
    "Nothing was changed. Go back, reload the page, and try again."
)


class PageRefused(Exception):
    """The viewer may not see or do this, or it failed; `status` is that of the error page."""

    def __init__(
        self, status: int, message: str, *, heading: str | None = None, headers: Mapping[str, str] | None = None
    ) -> None:
        super().__init__(message)
        self.status = status
        self.message = message
        self.heading = heading
        self.headers = headers or {}

    @classmethod
    def of(cls, refusal: RequestRefused) -> Self:
        """A refusal of the request before the handler ran."""
        return cls(refusal.status, refusal.message, headers=refusal.headers)


@dataclass(frozen=True, slots=True)
class Refusals:
    """The userErrors of a mutation by input field, and the values that were entered, to show them again."""

    errors: tuple[Mapping[str, Any], ...] = ()
    entered: Mapping[str, str] = field(default_factory=dict)

    def about(self, *path: str) -> list[str]:
        """Messages about exactly that field."""
        return [error["message"] for error in self.errors if tuple(error["path"] or ()) == path]

    @property
    def general(self) -> list[str]:
        """Messages about no field."""
        return [error["message"] for error in self.errors if not error["path"]]

    @property
    def all(self) -> list[str]:
        return [error["message"] for error in self.errors]


class Site:
    """Templates and the API, so that handlers need a few lines each."""

    def __init__(self, api: Api, *, navigation: Callable[[Viewer, str], object], demo: bool, undo_s: int) -> None:
        """`undo_s`: so many seconds a courier's script waits before it sends a press."""
        self._api = api
        self.shop = api.shop
        self._cookie = api.authenticator.cookie
        self.demo = demo
        self._templates = Environment(
            loader=FileSystemLoader(TEMPLATES), autoescape=True, undefined=StrictUndefined, trim_blocks=True,
            lstrip_blocks=True, auto_reload=False, extensions=[i18n],
        )  # fmt: skip
        self._templates.install_gettext_callables(  # type: ignore[attr-defined]  # the extension adds it
            language.gettext, language.ngettext, newstyle=True
        )
        self._templates.filters |= {"money": formatting.money, "status": formatting.status, "reason": formatting.reason}
        self._templates.filters |= {"instant": formatting.instant, "day": formatting.day, "address": formatting.address}
        self._templates.globals |= {
            "asset": asset,
            "demo": demo,
            "undo_s": undo_s,
            "new_key": new_key,
            "language": language.current_language,
            "chosen_zone": chosen_zone,
            "current_zone": current_zone,
            "shop": lambda: api.shop.now,
            "navigation": navigation,
        }
        self._templates.globals |= {"status_texts": formatting.status_texts, "journey": journey}

    async def query(self, viewer: Viewer, name: str, variables: Mapping[str, Any] | None = None) -> dict[str, Any]:
        """Data of the document templates/NAME.graphql. Raises PageRefused where the API refuses."""
        request = GraphQLRequest(document(name), dict(variables or {}))
        outcome = await self._api.execute(request, viewer, None, allowed=QUERIES)
        if errors := outcome.body.get("errors"):
            raise _refused(errors)
        data: dict[str, Any] = outcome.body["data"]
        return data

    async def mutate(
        self, viewer: Viewer, name: str, variables: Mapping[str, Any], *, key: str | None = None
    ) -> tuple[dict[str, Any], Refusals]:
        """The payload of the single root field of the mutation templates/NAME.graphql, and its refusals.

        `key`, from a hidden field of the form, makes a form that is sent twice take effect once.
        Raises PageRefused where the request as a whole is refused, or the key is none.
        """
        request = GraphQLRequest(document(name), dict(variables))
        repeat = _key(key, request) if key else None
        outcome = await self._api.execute(request, viewer, repeat, allowed=QUERIES_AND_MUTATIONS)
        if errors := outcome.body.get("errors"):
            raise _refused(errors)
        (payload,) = outcome.body["data"].values()
        return payload, Refusals(tuple(payload["userErrors"]))

    def render(
        self, request: Request, viewer: Viewer | None, template: str, *, status: int = 200, path: str | None = None,
        **values: Any,
    ) -> Response:  # fmt: skip
        """The page templates/TEMPLATE.html. `path` is the page's address if the request was a form's."""
        values.setdefault("refusals", Refusals())
        values.setdefault("layout", LAYOUTS.get(viewer.role, "staff.html") if viewer else "reader.html")
        values |= {"path": path or request.url.path, "query": "" if path else request.url.query}
        form_token = FormToken(request, self._cookie)
        page = self._templates.get_template(f"{template}.html")
        html = page.render(viewer=viewer, form_token=form_token, **values)
        response = compressed(HTMLResponse(html, status, headers=HEADERS), request)
        form_token.set_cookie(response)
        return response

    def read_session_again(self, request: Request) -> None:
        """The viewer has changed: do not wait until this process would look the session up again."""
        if secret := self._cookie.read(request):
            self._api.authenticator.forget(secret)

    async def require_own_form(self, request: Request) -> None:
        """Raises PageRefused(403) unless one of this site's pages sent the form, in the present session."""
        if not is_own(request):
            raise PageRefused(
                403, wording("This form was sent from another site. Nothing was changed."), heading=_FOREIGN_FORM
            )
        token = (await read_form(request)).get(FIELD, "")
        if not is_valid(request, token, self._cookie):
            raise PageRefused(403, _STALE_FORM, heading=_FOREIGN_FORM)


def _key(text: str, request: GraphQLRequest) -> IdempotencyKey:
    try:
        return form_key(text, request)
    except RequestRefused as refusal:
        raise PageRefused.of(refusal) from refusal


def new_key() -> str:
    """An idempotency key for the hidden field of a form."""
    return secrets.token_urlsafe(16)


@lru_cache(maxsize=256)
def document(name: str) -> str:
    return (TEMPLATES / f"{name}.graphql").read_text(encoding="utf-8")


async def read_form(request: Request) -> dict[str, str]:
    """The fields of a form, the last of each name; of a multipart form, those that are no files.

    Raises PageRefused: 413 above MAX_FORM_BYTES or MAX_UPLOAD_BYTES, 408 if it arrives too slowly.
    """
    return (await _read_form(request))[0]


async def read_file(request: Request, name: str) -> bytes | None:
    """The content of a multipart form's file; None if none was chosen. Raises PageRefused, as read_form() does."""
    return (await _read_form(request))[1].get(name) or None


async def _read_form(request: Request) -> tuple[dict[str, str], dict[str, bytes]]:
    if not hasattr(request.state, "form"):
        boundary = boundary_of(request.headers.get("content-type", ""))
        try:
            body = await read_body(request, max_bytes=MAX_UPLOAD_BYTES if boundary else MAX_FORM_BYTES)
        except RequestRefused as refusal:
            raise PageRefused.of(refusal) from refusal
        if boundary:
            request.state.form = fields_and_files(body, boundary)
        else:
            request.state.form = dict(parse_qsl(body.decode("utf-8", "replace"), keep_blank_values=True)), {}
    form: tuple[dict[str, str], dict[str, bytes]] = request.state.form
    return form


def see_other(address: str) -> Response:
    """The response to a form that took effect: a reload of the next page does not send the form again."""
    return RedirectResponse(address, 303)


def _refused(errors: list[dict[str, Any]]) -> PageRefused:
    error = errors[0]
    code = error.get("extensions", {}).get("code", ErrorCode.INTERNAL)
    return PageRefused(HTTP_STATUS.get(code, 500), error["message"])
