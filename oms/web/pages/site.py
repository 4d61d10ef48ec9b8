"""What every page does alike: run its document as the viewer, render its template, tell refusals where they belong."""

import secrets
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any, Final, Self
from urllib.parse import parse_qsl

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from starlette.requests import Request
from starlette.responses import HTMLResponse, RedirectResponse, Response

from oms.domain.access.permissions import Viewer
from oms.domain.idempotency.keys import RepeatKey
from oms.platform.settings import PROJECT_DIR
from oms.web.auth.csrf import FIELD, FormToken, is_genuine
from oms.web.auth.same_origin import is_own
from oms.web.graphql.api import QUERIES, QUERIES_AND_MUTATIONS, Api
from oms.web.graphql.errors import RequestRefused
from oms.web.graphql.request import Operation
from oms.web.pages import words
from oms.web.pages.assets import asset
from oms.web.pages.compression import compressed
from oms.web.server.bodies import body_of

TEMPLATES: Final = PROJECT_DIR / "templates"
LONGEST_FORM_BYTES: Final = 64 * 1024

_POLICY: Final = (
    "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src 'self' data:; "
    "manifest-src 'self'; worker-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'"
)
HEADERS: Final = {
    "Content-Security-Policy": _POLICY,
    "Vary": "Cookie",
}

_FOREIGN: Final = "This form was not taken"
_STALE_FORM: Final = (
    "Its page was open for too long, or somebody else has signed in since, or the form came from elsewhere. "
    "Nothing was changed. Go back, reload the page, and press again."
)


class NotAllowed(Exception):
    """Not to be seen, or done, by the viewer; `status` is what the page answers with."""

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
        """What is refused before a page has its say."""
        return cls(refusal.status, refusal.message, headers=refusal.headers)


@dataclass(frozen=True, slots=True)
class Refusals:
    """The userErrors of a mutation, by the input field they are about, and what was put in, so that it is kept."""

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
    """Templates and the API, for handlers of a few lines each."""

    def __init__(self, api: Api, *, navigation: Callable[[Viewer, str], object], demo: bool) -> None:
        self._api = api
        self._cookie = api.authenticator.cookie
        self.demo = demo
        self._templates = Environment(
            loader=FileSystemLoader(TEMPLATES), autoescape=True, undefined=StrictUndefined, trim_blocks=True,
            lstrip_blocks=True, auto_reload=False,
        )  # fmt: skip
        self._templates.filters |= {"money": words.money, "status": words.status, "reason": words.reason}
        self._templates.filters["instant"] = words.instant
        self._templates.globals |= {"asset": asset, "demo": demo, "new_key": new_key, "navigation": navigation}

    async def query(self, viewer: Viewer, name: str, variables: Mapping[str, Any] | None = None) -> dict[str, Any]:
        """Data of the document templates/NAME.graphql. Raises NotAllowed where the API refuses."""
        operation = Operation(document(name), dict(variables or {}))
        outcome = await self._api.execute(operation, viewer, None, allowed=QUERIES)
        if errors := outcome.body.get("errors"):
            raise _not_allowed(errors, outcome.status)
        data: dict[str, Any] = outcome.body["data"]
        return data

    async def act(
        self, viewer: Viewer, name: str, variables: Mapping[str, Any], *, key: str | None = None
    ) -> tuple[dict[str, Any], Refusals]:
        """The payload of the only root field of the mutation templates/NAME.graphql, and its refusals.

        `key`, from a hidden field of the form, makes a second press of its button answer like the first.
        Raises NotAllowed where the request as a whole is refused.
        """
        operation = Operation(document(name), dict(variables))
        repeat = RepeatKey.of(key, operation.canonical()) if key else None
        outcome = await self._api.execute(operation, viewer, repeat, allowed=QUERIES_AND_MUTATIONS)
        if errors := outcome.body.get("errors"):
            raise _not_allowed(errors, outcome.status)
        (payload,) = outcome.body["data"].values()
        return payload, Refusals(tuple(payload["userErrors"]))

    def render(
        self, request: Request, viewer: Viewer | None, template: str, *, status: int = 200, path: str | None = None,
        **values: Any,
    ) -> Response:  # fmt: skip
        """The page templates/TEMPLATE.html. `path` is its own where it answers a form, sent to another."""
        values.setdefault("refusals", Refusals())
        values |= {"path": path or request.url.path, "query": "" if path else request.url.query}
        form_token = FormToken(request, self._cookie)
        page = self._templates.get_template(f"{template}.html")
        html = page.render(viewer=viewer, form_token=form_token, **values)
        response = compressed(HTMLResponse(html, status, headers=HEADERS), request)
        form_token.remember(response)
        return response

    async def require_own_form(self, request: Request) -> None:
        """Raises NotAllowed(403) unless a page of ours sent the form, and in this very session."""
        if not is_own(request):
            raise NotAllowed(403, "This form was sent from another site. Nothing was changed.", heading=_FOREIGN)
        token = (await form_of(request)).get(FIELD, "")
        if not is_genuine(request, token, self._cookie):
            raise NotAllowed(403, _STALE_FORM, heading=_FOREIGN)


def new_key() -> str:
    """For the hidden field of a form: what is pressed twice, or sent again, takes effect once."""
    return secrets.token_urlsafe(16)


@lru_cache(maxsize=256)
def document(name: str) -> str:
    return (TEMPLATES / f"{name}.graphql").read_text(encoding="utf-8")


async def form_of(request: Request) -> dict[str, str]:
    """The fields of an urlencoded form, the last of each name. Raises NotAllowed: 413 above 64 KiB, 408 if too slow."""
    if not hasattr(request.state, "form"):
        request.state.form = await _read_form(request)
    form: dict[str, str] = request.state.form
    return form


async def _read_form(request: Request) -> dict[str, str]:
    try:
        body = await body_of(request, most_bytes=LONGEST_FORM_BYTES)
    except RequestRefused as refusal:
        raise NotAllowed.of(refusal) from refusal
    return dict(parse_qsl(body.decode("utf-8", "replace"), keep_blank_values=True))


def see_other(address: str) -> Response:
    """After a form took effect: go and look, so that a reload does not send it again."""
    return RedirectResponse(address, 303)


_STATUS_OF: Final = {"FORBIDDEN": 403, "NOT_FOUND": 404, "INVALID": 400, "UNAVAILABLE": 503, "CONFLICT": 409,
                     "RATE_LIMITED": 429}  # fmt: skip


def _not_allowed(errors: list[dict[str, Any]], status: int) -> NotAllowed:
    error = errors[0]
    code = error.get("extensions", {}).get("code", "INTERNAL")
    return NotAllowed(_STATUS_OF.get(code, status if status >= 400 else 500), error["message"])
