"""The pages' addresses. Reading is GET; what a form does is a noun of its own, by POST, from our own pages only."""

from collections.abc import Awaitable, Callable
from typing import Final

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Mount, Route

from oms.db import Database
from oms.domain.access.model import Viewer
from oms.domain.actor import Role
from oms.settings import PROJECT_DIR
from oms.web.api import Api
from oms.web.live import LiveHub
from oms.web.open_streams import OpenStreams
from oms.web.own_pages import is_own
from oms.web.pages.assets import Assets
from oms.web.pages.live import PageStreams
from oms.web.pages.orders import OrderPages
from oms.web.pages.session import Sessions
from oms.web.pages.site import NotAllowed, Site, see_other
from oms.web.pages.start import StartPages

Handler = Callable[[Request, Viewer], Awaitable[Response]]
"""A page or form of somebody who is signed in."""

_HEADINGS: Final = {403: "That is not yours to do", 404: "There is nothing here", 409: "It was in progress already"}


class PageRoutes:
    """Puts handlers behind the session and the origin check, and says what the API refuses."""

    def __init__(self, site: Site, sessions: Sessions) -> None:
        self._site = site
        self._sessions = sessions

    def page(self, path: str, handler: Handler) -> Route:
        return Route(path, self._guarded(handler), methods=["GET"])

    def form(self, path: str, handler: Handler) -> Route:
        return Route(path, own_forms_only(self._guarded(handler)), methods=["POST"])

    def _guarded(self, handler: Handler) -> Callable[[Request], Awaitable[Response]]:
        async def answer(request: Request) -> Response:
            viewer = await self._sessions.viewer(request)
            if viewer is None:
                return see_other("/")
            try:
                return await handler(request, viewer)
            except NotAllowed as refusal:
                heading = _HEADINGS.get(refusal.status, "That did not work")
                return self._site.render(
                    request, viewer, "start/refused", status=refusal.status, heading=heading, message=refusal.message
                )

        return answer


def own_forms_only(handler: Callable[[Request], Awaitable[Response]]) -> Callable[[Request], Awaitable[Response]]:
    async def answer(request: Request) -> Response:
        if not is_own(request):
            return Response("This form was sent from another site.", 403)
        return await handler(request)

    return answer


def page_routes(api: Api, db: Database, hub: LiveHub, streams: OpenStreams, *, demo: bool) -> list[BaseRoute]:
    """All pages, their live stream, and the static files."""
    site = Site(api, navigation=navigation, demo=demo)
    sessions = Sessions(db, api.authenticator)
    start = StartPages(site, sessions)
    return [
        Route("/", start.index),
        Route("/sign-in", own_forms_only(start.sign_in), methods=["POST"]),
        Route("/sign-out", own_forms_only(start.sign_out), methods=["POST"]),
        *_order_routes(PageRoutes(site, sessions), OrderPages(site)),
        Route("/live", PageStreams(hub, sessions, streams)),
        Mount("/static", Assets(directory=PROJECT_DIR / "static")),
    ]


def _order_routes(routes: PageRoutes, orders: OrderPages) -> list[BaseRoute]:
    return [
        routes.page("/orders", orders.index),
        routes.form("/orders", orders.place),
        routes.page("/orders/new", orders.new),
        routes.form("/orders/new", orders.new),
        routes.page("/orders/{id}", orders.show),
        routes.form("/orders/{id}/acceptance", orders.accept),
        routes.form("/orders/{id}/cancellation", orders.cancel),
    ]


_NAVIGATION: Final = {
    Role.CUSTOMER: (("My orders", "/orders"), ("Order something", "/orders/new")),
    Role.COURIER: (("Shipments", "/courier"),),
    Role.MANAGER: (("Overview", "/manager"), ("Stock", "/manager/stock"), ("Orders", "/support")),
    Role.SUPPORT: (("Orders", "/support"), ("Parked work", "/support/parked")),
}


def navigation(viewer: Viewer, path: str) -> list[tuple[str, str, bool]]:
    """What the viewer's role finds in the bar, and which entry leads nearest to the page at `path`."""
    entries = _NAVIGATION.get(viewer.role, ())
    above = [address for _, address in entries if path == address or path.startswith(f"{address}/")]
    nearest = max(above, key=len, default=None)
    return [(name, address, address == nearest) for name, address in entries]
