"""The pages' addresses. Reading is GET; what a form does is a noun of its own, by POST, from our own pages only."""

from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Self

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Mount, Route

from oms.domain.access.permissions import Operation, Reach, Viewer, reach, require
from oms.domain.vocabulary.actor import Role
from oms.domain.vocabulary.errors import Code, Refused, refused
from oms.platform.db import Database
from oms.platform.settings import PROJECT_DIR
from oms.web.graphql.api import Api
from oms.web.live.hub import LiveHub
from oms.web.live.open_streams import OpenStreams
from oms.web.pages.assets import Assets
from oms.web.pages.courier.shipments import CourierPages
from oms.web.pages.customer.orders import OrderPages
from oms.web.pages.live import PageStreams
from oms.web.pages.manager.audit import AuditPages
from oms.web.pages.manager.customers import CustomerPages
from oms.web.pages.manager.fraud import FraudControlPages
from oms.web.pages.manager.operations import OperationsPages
from oms.web.pages.manager.stock import StockPages
from oms.web.pages.signing_in.account import AccountPages
from oms.web.pages.signing_in.session import Sessions
from oms.web.pages.signing_in.start import StartPages
from oms.web.pages.site import NotAllowed, Site, see_other
from oms.web.pages.support.orders import SupportPages
from oms.web.server.rates import RateLimited, Rates

if TYPE_CHECKING:
    from oms.web.auth.identity_provider import IdentityProvider

O = Operation  # noqa: E741 - reads as a column of the lists below

Handler = Callable[[Request, Viewer], Awaitable[Response]]
"""A page or form of somebody who is signed in."""

OpenHandler = Callable[[Request], Awaitable[Response]]
"""A page or form of whoever comes."""

OnRefusal = Callable[[Viewer, Refused], None]

_HEADINGS: Final = {
    403: "That is not yours to do",
    404: "There is nothing here",
    409: "It was in progress already",
    429: "That was too much at once",
}


@dataclass(frozen=True, slots=True)
class Need:
    """Whom a page is for: roles whose reach in `operation` is one of `within`. None: whoever is signed in."""

    operation: Operation | None
    within: frozenset[Reach]

    def require(self, viewer: Viewer) -> None:
        """Raises NotAllowed(403)."""
        if self.operation is None or reach(viewer, self.operation) in self.within:
            return
        try:
            require(viewer, self.operation)
            raise refused(Code.FORBIDDEN, f"This page is made for others; as {viewer.role} you have pages of your own.")
        except Refused as refusal:
            raise NotAllowed(403, str(refusal)) from refusal


class PageRoute(Route):
    """A page or a form that only those get to who meet its need."""

    def __init__(self, path: str, endpoint: Callable[[Request], Awaitable[Response]], method: str, need: Need) -> None:
        super().__init__(path, endpoint, methods=[method])
        self.need = need


class PageRoutes:
    """Puts handlers behind the session and the table of roles, forms also behind the look at where they come from.

    `on_refusal` hears who was refused a page; what the API refuses, it tells itself.
    """

    def __init__(self, site: Site, sessions: Sessions, on_refusal: OnRefusal, within: Iterable[Reach] = Reach) -> None:
        self._site = site
        self._sessions = sessions
        self._on_refusal = on_refusal
        self._within = frozenset(within)

    def within(self, *reaches: Reach) -> Self:
        """The same for pages that are made for roles of that reach."""
        return type(self)(self._site, self._sessions, self._on_refusal, reaches)

    def page(self, path: str, handler: Handler, *, needs: Operation | None) -> PageRoute:
        need = Need(needs, self._within)
        return PageRoute(path, self._guarded(handler, need), "GET", need)

    def form(self, path: str, handler: Handler, *, needs: Operation | None) -> PageRoute:
        need = Need(needs, self._within)
        return PageRoute(path, self._guarded(handler, need, own_forms_only=True), "POST", need)

    def open_page(self, path: str, handler: OpenHandler) -> Route:
        """For whom is not signed in, too."""
        return Route(path, self._open(handler), methods=["GET"])

    def open_form(self, path: str, handler: OpenHandler) -> Route:
        """For whom is not signed in, or not any more."""

        async def answer(request: Request) -> Response:
            await self._sessions.viewer(request)  # counted, whoever it is
            await self._site.require_own_form(request)
            return await handler(request)

        return Route(path, self._open(answer), methods=["POST"])

    def _open(self, handler: OpenHandler) -> OpenHandler:
        async def answer(request: Request) -> Response:
            try:
                return await handler(request)
            except RateLimited as refusal:
                return self._told(NotAllowed.of(refusal), request, None)
            except NotAllowed as refusal:
                return self._told(refusal, request, None)

        return answer

    def _guarded(
        self, handler: Handler, need: Need, *, own_forms_only: bool = False
    ) -> Callable[[Request], Awaitable[Response]]:
        async def answer(request: Request) -> Response:
            try:
                viewer = await self._sessions.viewer(request)
            except RateLimited as refusal:
                return self._told(NotAllowed.of(refusal), request, None)
            if viewer is None:
                return see_other("/")
            try:
                if own_forms_only:
                    await self._site.require_own_form(request)
                need.require(viewer)
                return await handler(request, viewer)
            except NotAllowed as refusal:
                if isinstance(refusal.__cause__, Refused):
                    self._on_refusal(viewer, refusal.__cause__)
                return self._told(refusal, request, viewer)

        return answer

    def _told(self, refusal: NotAllowed, request: Request, viewer: Viewer | None) -> Response:
        heading = refusal.heading or _HEADINGS.get(refusal.status, "That did not work")
        response = self._site.render(
            request, viewer, "start/refused", status=refusal.status, heading=heading, message=refusal.message
        )
        response.headers.update(refusal.headers)
        return response


def page_routes(
    api: Api, db: Database, hub: LiveHub, streams: OpenStreams, provider: "IdentityProvider | None", *,
    demo: bool, on_refusal: OnRefusal,
) -> list[BaseRoute]:  # fmt: skip
    """All pages, their live stream, and the static files."""
    site = Site(api, navigation=navigation, demo=demo)
    sessions = Sessions(db, api)
    start = StartPages(site, sessions, db, api.rates, provider_name=provider.name if provider else None)
    routes = PageRoutes(site, sessions, on_refusal)
    return [
        routes.open_page("/", start.index),
        routes.open_form("/sign-in", start.sign_in),
        routes.open_form("/sign-out", start.sign_out),
        *(_openid_routes(routes, start, db, provider, api.rates, demo=demo) if provider else ()),
        *_account_routes(routes, AccountPages(site)),
        *_order_routes(routes.within(Reach.OWN), OrderPages(site)),
        *_courier_routes(routes.within(Reach.CARRIED, Reach.ALL), CourierPages(site)),
        *_support_routes(routes.within(Reach.ALL), SupportPages(site)),
        *_manager_routes(routes.within(Reach.ALL), FraudControlPages(site)),
        routes.within(Reach.ALL).page("/manager/audit", AuditPages(site).index, needs=O.READ_AUDIT),
        *_customer_routes(routes.within(Reach.ALL), CustomerPages(site)),
        *_stock_routes(routes.within(Reach.ALL), StockPages(site)),
        *_operations_routes(routes.within(Reach.ALL), OperationsPages(site, streams)),
        Route("/live", PageStreams(db, hub, sessions, streams, api.rates), methods=["GET"]),
        Mount("/static", Assets(directory=PROJECT_DIR / "static")),
    ]


def _openid_routes(
    routes: PageRoutes, start: StartPages, db: Database, provider: "IdentityProvider", rates: Rates, *, demo: bool
) -> list[BaseRoute]:
    from oms.web.pages.signing_in import openid  # noqa: PLC0415 - 4 MB with what it needs: only who has a provider carries them

    pages = openid.OpenIdPages(start, db, provider, rates, demo=demo)
    return [routes.open_page(openid.BEGIN, pages.begin), routes.open_page(openid.ANSWER, pages.answer)]


def _account_routes(routes: PageRoutes, account: AccountPages) -> list[BaseRoute]:
    """For whoever is signed in: everybody minds their own."""
    return [
        routes.page("/account", account.show, needs=None),
        routes.form("/account/password", account.change_password, needs=None),
        routes.form("/account/sessions/others/end", account.end_others, needs=None),
        routes.form("/account/sessions/{id}/end", account.end_session, needs=None),
    ]


def _order_routes(routes: PageRoutes, orders: OrderPages) -> list[BaseRoute]:
    return [
        routes.page("/orders", orders.index, needs=O.READ_ORDERS),
        routes.form("/orders", orders.place, needs=O.PLACE_ORDER),
        routes.page("/orders/new", orders.new, needs=O.PLACE_ORDER),
        routes.form("/orders/new", orders.new, needs=O.PLACE_ORDER),
        routes.page("/orders/{id}", orders.show, needs=O.READ_ORDER),
        routes.form("/orders/{id}/acceptance", orders.accept, needs=O.ACCEPT_AMENDMENT),
        routes.form("/orders/{id}/cancellation", orders.cancel, needs=O.CANCEL_ORDER),
    ]


def _courier_routes(routes: PageRoutes, courier: CourierPages) -> list[BaseRoute]:
    return [
        routes.page("/courier", courier.index, needs=O.COUNT_SHIPMENTS),
        routes.page("/courier/shipments/{id}", courier.show, needs=O.READ_SHIPMENTS),
        routes.form("/courier/shipments/{id}/dispatch", courier.dispatch, needs=O.DISPATCH),
        routes.form("/courier/shipments/{id}/delivery", courier.deliver, needs=O.DELIVER),
        routes.form("/courier/shipments/{id}/failure", courier.fail, needs=O.FAIL_SHIPMENT),
        Route("/courier-worker.js", courier.worker),
    ]


def _support_routes(routes: PageRoutes, pages: SupportPages) -> list[BaseRoute]:
    order = "/support/orders/{id}"
    return [
        routes.page("/support", pages.index, needs=O.READ_OPERATIONS),
        routes.page(order, pages.order, needs=O.READ_OPERATIONS),
        routes.form(f"{order}/cancellation", pages.cancel, needs=O.CANCEL_ORDER),
        routes.form(f"{order}/shipments/{{shipment}}/failure", pages.fail_shipment, needs=O.FAIL_SHIPMENT),
        routes.form(f"{order}/work/{{work}}/retry", pages.retry, needs=O.MEND_WORK),
        routes.form(f"{order}/work/{{work}}/abandonment", pages.give_up, needs=O.MEND_WORK),
        routes.page("/support/parked", pages.parked, needs=O.MEND_WORK),
        routes.form("/support/parked/{work}/retry", pages.retry, needs=O.MEND_WORK),
        routes.form("/support/parked/{work}/abandonment", pages.give_up, needs=O.MEND_WORK),
        routes.page("/support/customers/{id}", pages.customer, needs=O.READ_CUSTOMER),
    ]


def _manager_routes(routes: PageRoutes, manager: FraudControlPages) -> list[BaseRoute]:
    return [
        routes.page("/manager", manager.overview, needs=O.READ_FRAUD),
        routes.page("/manager/spending-limit", manager.spending_limit, needs=O.READ_FRAUD),
        routes.form("/manager/spending-limit", manager.set_spending_limit, needs=O.SET_FRAUD),
        routes.page("/manager/maintenance", manager.maintenance, needs=O.READ_FRAUD),
        routes.form("/manager/maintenance", manager.set_maintenance, needs=O.SET_FRAUD),
        routes.page("/manager/reset", manager.reset, needs=O.READ_FRAUD),
        routes.form("/manager/reset", manager.carry_out_reset, needs=O.SET_FRAUD),
        routes.page("/manager/clearing", manager.clearing, needs=O.READ_FRAUD),
        routes.form("/manager/clearing", manager.clear_spending, needs=O.SET_FRAUD),
    ]


def _customer_routes(routes: PageRoutes, customers: CustomerPages) -> list[BaseRoute]:
    customer = "/manager/customers/{id}"
    return [
        routes.page("/manager/customers", customers.index, needs=O.ERASE_CUSTOMER),
        routes.form(f"{customer}/export", customers.export, needs=O.ERASE_CUSTOMER),
        routes.page(f"{customer}/erasure", customers.erasure, needs=O.ERASE_CUSTOMER),
        routes.form(f"{customer}/erasure", customers.erase, needs=O.ERASE_CUSTOMER),
    ]


def _stock_routes(routes: PageRoutes, stock: StockPages) -> list[BaseRoute]:
    return [
        routes.page("/manager/stock", stock.stock, needs=O.READ_STOCK),
        routes.page("/manager/stock/product", stock.product, needs=O.READ_STOCK),
        routes.form("/manager/stock/product", stock.change, needs=O.SET_CATALOG),
        routes.form("/manager/stock/counts", stock.count, needs=O.SET_CATALOG),
        routes.page("/manager/stock/products/new", stock.new, needs=O.SET_CATALOG),
        routes.form("/manager/stock/products", stock.add, needs=O.SET_CATALOG),
        routes.page("/manager/stock/warehouses", stock.warehouses, needs=O.READ_STOCK),
        routes.form("/manager/stock/warehouses", stock.set_warehouse, needs=O.SET_CATALOG),
    ]


def _operations_routes(routes: PageRoutes, operations: OperationsPages) -> list[BaseRoute]:
    return [
        routes.page("/manager/operations", operations.operations, needs=O.READ_OPERATIONS),
        routes.form("/manager/operations/load", operations.begin_load, needs=O.SET_CATALOG),
        routes.form("/manager/operations/load/end", operations.end_load, needs=O.SET_CATALOG),
    ]


_NAVIGATION: Final = {
    Role.CUSTOMER: (("My orders", "/orders"), ("Order something", "/orders/new")),
    Role.COURIER: (("Shipments", "/courier"),),
    Role.MANAGER: (
        ("Overview", "/manager"),
        ("Stock", "/manager/stock"),
        ("Operations", "/manager/operations"),
        ("Customers", "/manager/customers"),
        ("Audit", "/manager/audit"),
        ("Orders", "/support"),
    ),
    Role.SUPPORT: (("Orders", "/support"), ("Parked work", "/support/parked"), ("Audit", "/manager/audit")),
}


def navigation(viewer: Viewer, path: str) -> list[tuple[str, str, bool]]:
    """What the viewer's role finds in the bar, and which entry leads nearest to the page at `path`."""
    entries = _NAVIGATION.get(viewer.role, ())
    above = [address for _, address in entries if path == address or path.startswith(f"{address}/")]
    nearest = max(above, key=len, default=None)
    return [(name, address, address == nearest) for name, address in entries]
