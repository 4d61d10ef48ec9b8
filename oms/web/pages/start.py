"""The start page: who are you? Personas in one click where the demo mode is on, a token everywhere."""

from typing import Final

from starlette.requests import Request
from starlette.responses import Response

from oms.web.pages.session import DEMO_PERSONAS, HOME, Sessions
from oms.web.pages.site import Refusals, Site, form_of, see_other

PERSONAS: Final = (
    ("customer", "Order something, watch it come, answer when something is missing."),
    ("courier", "Pick shipments up at the warehouse and hand them over at the door."),
    ("manager", "Set the spending limit and maintenance, mind stock and the state of things."),
    ("support", "Find any order, see everything that led where it is, mend what is stuck."),
)


class StartPages:
    """GET / and the forms that begin and end a session."""

    def __init__(self, site: Site, sessions: Sessions) -> None:
        self._site = site
        self._sessions = sessions

    async def index(self, request: Request) -> Response:
        viewer = await self._sessions.viewer(request)
        if viewer and viewer.role in HOME:
            return see_other(HOME[viewer.role])
        return self._show(request)

    async def sign_in(self, request: Request) -> Response:
        form = await form_of(request)
        if self._site.demo and form.get("persona") in DEMO_PERSONAS:
            viewer = DEMO_PERSONAS[form["persona"]]
            response = see_other(HOME[viewer.role])
            await self._sessions.begin(viewer, response, secure=not self._site.demo)
            return response
        token = form.get("token", "").strip()
        known = await self._sessions.viewer_of_token(token) if token else None
        if known is None or known.role not in HOME:
            problem = {"message": "This token is unknown, expired, or not a person's.", "path": ["token"]}
            return self._show(request, Refusals((problem,)), status=422)
        response = see_other(HOME[known.role])
        await self._sessions.begin(known, response, secure=not self._site.demo)
        return response

    async def sign_out(self, request: Request) -> Response:
        response = see_other("/")
        await self._sessions.end(request, response)
        return response

    def _show(self, request: Request, refusals: Refusals | None = None, *, status: int = 200) -> Response:
        return self._site.render(
            request, None, "start/index", status=status, personas=PERSONAS, refusals=refusals or Refusals()
        )
