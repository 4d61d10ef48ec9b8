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
from oms.web.pages.assets import Assets
from oms.web.pages.courier import CourierPages
from oms.web.pages.fraud_control import FraudControlPages
from oms.web.pages.live import PageStreams
from oms.web.pages.operations import OperationsPages
from oms.web.pages.orders import OrderPages
from oms.web.pages.session import Sessions
from oms.web.pages.site import NotAllowed, Site, see_other
from oms.web.pages.start import StartPages
from oms.web.pages.stock import StockPages
from oms.web.pages.support import SupportPages

Handler = Callable[[Request, Viewer], Awaitable[Response]]
"""A page or form of somebody who is signed in."""

_HEADINGS: Final = {403: "That is not yours to do", 404: "There is nothing here", 409: "It was in progress already"}


class PageRoutes:
    """Puts handlers behind the session, and forms behind the look at where they come from; says what is refused."""

    def __init__(self, site: Site, sessions: Sessions) -> None:
        self._site = site
        self._sessions = sessions

    def page(self, path: str, handler: Handler) -> Route:
        return Route(path, self._guarded(handler), methods=["GET"])

    def form(self, path: str, handler: Handler) -> Route:
        return Route(path, self._guarded(handler, own_forms_only=True), methods=["POST"])

    def open_form(self, path: str, handler: Callable[[Request], Awaitable[Response]]) -> Route:
        """For whom is not signed in, or not any more."""

        async def answer(request: Request) -> Response:
            try:
                await self._site.require_own_form(request)
                return await handler(request)
            except NotAllowed as refusal:
                return self._told(refusal, request, None)

        return Route(path, answer, methods=["POST"])

    def _guarded(self, handler: Handler, *, own_forms_only: bool = False) -> Callable[[Request], Awaitable[Response]]:
        async def answer(request: Request) -> Response:
            viewer = await self._sessions.viewer(request)
            if viewer is None:
                return see_other("/")
            try:
                if own_forms_only:
                    await self._site.require_own_form(request)
                return await handler(request, viewer)
            except NotAllowed as refusal:
                return self._told(refusal, request, viewer)

        return answer

    def _told(self, refusal: NotAllowed, request: Request, viewer: Viewer | None) -> Response:
        heading = refusal.heading or _HEADINGS.get(refusal.status, "That did not work")
        return self._site.render(
            request, viewer, "start/refused", status=refusal.status, heading=heading, message=refusal.message
        )


def page_routes(api: Api, db: Database, hub: LiveHub, streams: OpenStreams, *, demo: bool) -> list[BaseRoute]:
    """All pages, their live stream, and the static files."""
    site = Site(api, navigation=navigation, demo=demo)
    sessions = Sessions(db, api.authenticator)
    start = StartPages(site, sessions)
    routes = PageRoutes(site, sessions)
    return [
        Route("/", start.index),
        routes.open_form("/sign-in", start.sign_in),
        routes.open_form("/sign-out", start.sign_out),
        *_order_routes(routes, OrderPages(site)),
        *_courier_routes(routes, CourierPages(site)),
        *_support_routes(routes, SupportPages(site)),
        *_manager_routes(routes, FraudControlPages(site)),
        *_stock_routes(routes, StockPages(site)),
        *_operations_routes(routes, OperationsPages(site, streams)),
        Route("/live", PageStreams(db, hub, sessions, streams)),
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


def _courier_routes(routes: PageRoutes, courier: CourierPages) -> list[BaseRoute]:
    return [
        routes.page("/courier", courier.index),
        routes.page("/courier/shipments/{id}", courier.show),
        routes.form("/courier/shipments/{id}/dispatch", courier.dispatch),
        routes.form("/courier/shipments/{id}/delivery", courier.deliver),
        routes.form("/courier/shipments/{id}/failure", courier.fail),
        Route("/courier-worker.js", courier.worker),
    ]


def _support_routes(routes: PageRoutes, pages: SupportPages) -> list[BaseRoute]:
    order = "/support/orders/{id}"
    return [
        routes.page("/support", pages.index),
        routes.page(order, pages.order),
        routes.form(f"{order}/cancellation", pages.cancel),
        routes.form(f"{order}/shipments/{{shipment}}/failure", pages.fail_shipment),
        routes.form(f"{order}/work/{{work}}/retry", pages.retry),
        routes.form(f"{order}/work/{{work}}/abandonment", pages.give_up),
        routes.page("/support/parked", pages.parked),
        routes.form("/support/parked/{work}/retry", pages.retry),
        routes.form("/support/parked/{work}/abandonment", pages.give_up),
        routes.page("/support/customers/{id}", pages.customer),
    ]


def _manager_routes(routes: PageRoutes, manager: FraudControlPages) -> list[BaseRoute]:
    return [
        routes.page("/manager", manager.overview),
        routes.page("/manager/spending-limit", manager.spending_limit),
        routes.form("/manager/spending-limit", manager.set_spending_limit),
        routes.page("/manager/maintenance", manager.maintenance),
        routes.form("/manager/maintenance", manager.set_maintenance),
        routes.page("/manager/reset", manager.reset),
        routes.form("/manager/reset", manager.carry_out_reset),
        routes.page("/manager/clearing", manager.clearing),
        routes.form("/manager/clearing", manager.clear_spending),
    ]


def _stock_routes(routes: PageRoutes, stock: StockPages) -> list[BaseRoute]:
    return [
        routes.page("/manager/stock", stock.stock),
        routes.page("/manager/stock/product", stock.product),
        routes.form("/manager/stock/product", stock.change),
        routes.form("/manager/stock/counts", stock.count),
        routes.page("/manager/stock/products/new", stock.new),
        routes.form("/manager/stock/products", stock.add),
        routes.page("/manager/stock/warehouses", stock.warehouses),
        routes.form("/manager/stock/warehouses", stock.set_warehouse),
    ]


def _operations_routes(routes: PageRoutes, operations: OperationsPages) -> list[BaseRoute]:
    return [
        routes.page("/manager/operations", operations.operations),
        routes.form("/manager/operations/load", operations.begin_load),
        routes.form("/manager/operations/load/end", operations.end_load),
    ]


_NAVIGATION: Final = {
    Role.CUSTOMER: (("My orders", "/orders"), ("Order something", "/orders/new")),
    Role.COURIER: (("Shipments", "/courier"),),
    Role.MANAGER: (
        ("Overview", "/manager"),
        ("Stock", "/manager/stock"),
        ("Operations", "/manager/operations"),
        ("Orders", "/support"),
    ),
    Role.SUPPORT: (("Orders", "/support"), ("Parked work", "/support/parked")),
}


def navigation(viewer: Viewer, path: str) -> list[tuple[str, str, bool]]:
    """What the viewer's role finds in the bar, and which entry leads nearest to the page at `path`."""
    entries = _NAVIGATION.get(viewer.role, ())
    above = [address for _, address in entries if path == address or path.startswith(f"{address}/")]
    nearest = max(above, key=len, default=None)
    return [(name, address, address == nearest) for name, address in entries]
