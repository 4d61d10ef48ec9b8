"""The customer's pages: the list of orders, one order with what happened to it, and the checkout."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any, Final

from starlette.requests import Request
from starlette.responses import Response

from oms.domain.access.permissions import Viewer
from oms.domain.amendments.policy import AmendmentPermission
from oms.domain.cancellation.policy import CancellationPermission
from oms.domain.order.policy import OrderPermission
from oms.domain.placing.policy import PlacingPermission
from oms.domain.vocabulary.actor import Role
from oms.domain.vocabulary.permission import Reach
from oms.domain.vocabulary.wording import wording
from oms.web.pages.customer.checkout import PATH, WHOLE_NUMBER, Checkout, chosen_in
from oms.web.pages.declarations import Entry, Pages, form, page
from oms.web.pages.rendering import story
from oms.web.pages.rendering.site import PageRefused, Refusals, Site, read_form, see_other
from oms.web.pages.rendering.views import status_views

PAGE: Final = 20
"""Orders on one page."""

ITEMS: Final = 100
"""Items of an order on one page: 2,000 would take 18 ms, in which the process answers nobody else."""

_ORDER: Final = "/orders/{id}"


class OrderPages(Pages):
    """/orders and below, for customers."""

    within = frozenset({Reach.OWN})

    def __init__(self, site: Site) -> None:
        self._site = site
        self._checkout = Checkout(site)

    @page("/orders", needs=OrderPermission.READ_ORDERS, entry=Entry("My orders", Role.CUSTOMER))
    async def index(self, request: Request, viewer: Viewer) -> Response:
        """Newest first; ?status= filters, ?after= continues after an order."""
        status = request.query_params.get("status")
        variables = {
            "first": PAGE,
            "after": request.query_params.get("after"),
            "filter": {"status": [status]} if status else None,
        }
        data = await self._site.query(viewer, "customer/index", variables)
        return self._site.render(
            request, viewer, "customer/index", orders=data["orders"], selected=status, after=variables["after"],
            views=status_views("/orders", status, reader="customer"),
        )  # fmt: skip

    @page(PATH, needs=PlacingPermission.PLACE_ORDER, entry=Entry("Place an order", Role.CUSTOMER, icon="tag"))
    async def new(self, request: Request, viewer: Viewer) -> Response:
        """The checkout; ?again= puts the items of that order into the basket."""
        return await self._checkout.open(request, viewer)

    @form(PATH, needs=PlacingPermission.PLACE_ORDER)
    async def change(self, request: Request, viewer: Viewer) -> Response:
        """Shows other products or new sums, and keeps the entered values."""
        return await self._checkout.change(request, viewer, await read_form(request))

    @page(_ORDER, needs=OrderPermission.READ_ORDER)
    async def show(self, request: Request, viewer: Viewer) -> Response:
        """?placed=1 confirms; ?events= continues the timeline after an event, ?items= the items after so many."""
        return await self._show(request, viewer)

    @form(f"{_ORDER}/acceptance", needs=AmendmentPermission.ACCEPT_AMENDMENT)
    async def accept(self, request: Request, viewer: Viewer) -> Response:
        values = await read_form(request)
        return await self._respond(request, viewer, values, "customer/accept", {"orderId": _order_id(request)})

    @form(f"{_ORDER}/cancellation", needs=CancellationPermission.CANCEL_ORDER)
    async def cancel(self, request: Request, viewer: Viewer) -> Response:
        values = await read_form(request)
        variables = {"orderId": _order_id(request), "reason": values.get("reason", "").strip() or None}
        return await self._respond(request, viewer, values, "customer/cancel", variables)

    @form("/orders", needs=PlacingPermission.PLACE_ORDER, shown_at=PATH)
    async def place(self, request: Request, viewer: Viewer) -> Response:
        """The form contains the reference, so a form that is sent twice places one order."""
        return await self._checkout.place(request, viewer, await read_form(request))

    async def keep(self, request: Request, response: Response) -> None:
        """The basket of a form that arrived after the session had ended."""
        if chosen := chosen_in(await read_form(request)):
            self._checkout.basket.put(response, chosen)

    async def _respond(
        self, request: Request, viewer: Viewer, values: Mapping[str, str], document: str, variables: Mapping[str, Any]
    ) -> Response:
        _, refusals = await self._site.mutate(viewer, document, variables, key=values.get("key"))
        if refusals.errors:
            return await self._show(request, viewer, replace(refusals, entered=values))
        return see_other(f"/orders/{_order_id(request)}")

    async def _show(self, request: Request, viewer: Viewer, refusals: Refusals | None = None) -> Response:
        variables = {"id": _order_id(request), "eventsAfter": request.query_params.get("events")}
        data = await self._site.query(viewer, "customer/show", variables)
        order = data["order"]
        if order is None:
            raise PageRefused(404, wording("You have no such order."))
        answers: dict[str, Any] = {}
        if refusals:
            answers = {"status": 422, "path": f"/orders/{order['id']}", "refusals": refusals}
        return self._site.render(
            request, viewer, "customer/show", order=order, costs=data["quotePlacedOrder"]["quote"],
            story=story, events_after=variables["eventsAfter"],
            was_placed="placed" in request.query_params, items_before=_items_before(request, order), items_most=ITEMS,
            **answers,
        )  # fmt: skip


def _items_before(request: Request, order: Mapping[str, Any]) -> int:
    """How many items come before those to show: 0 unless the parameter is a number of this order's."""
    given = request.query_params.get("items", "")
    before = int(given) if WHOLE_NUMBER.fullmatch(given) else 0
    return before if 0 < before < len(order["lines"]) else 0


def _order_id(request: Request) -> str:
    return str(request.path_params["id"])
