"""The list of all orders for support and managers."""

from collections.abc import Mapping
from functools import partial
from typing import Any

from starlette.requests import Request
from starlette.responses import Response

from oms.domain.access.permissions import Viewer
from oms.domain.vocabulary.actor import Role
from oms.domain.vocabulary.permission import Reach
from oms.domain.work.policy import WorkPermission
from oms.platform.locale.language import gettext as _
from oms.web.pages.declarations import Entry, Group, Pages, page
from oms.web.pages.rendering.formatting import status_texts
from oms.web.pages.rendering.site import PageRefused, Refusals, Site, see_other
from oms.web.pages.support.next_step import next_step
from oms.web.pages.support.order_export import exported
from oms.web.pages.support.order_views import LIST, VIEWS, BadAddress, OrderList

PAGE = 25
"""Orders on one page."""


class OrderListPages(Pages):
    """/support and its export."""

    within = frozenset({Reach.ALL})

    def __init__(self, site: Site) -> None:
        self._site = site

    @page(
        LIST,
        needs=WorkPermission.READ_OPERATIONS,
        entry=Entry("Orders", Role.SUPPORT, Role.MANAGER, group=Group.SELLING, key="o"),
    )
    async def index(self, request: Request, viewer: Viewer) -> Response:
        """The list that the address describes; one that cannot be is refused, and its tabs stay.

        Whoever searches for the whole number of an order gets to its page.
        """
        try:
            listed = OrderList.of(request.query_params)
        except BadAddress as refusal:
            return self._render(request, viewer, OrderList(), refusals=_refused(str(refusal)))
        try:
            orders = (await self._site.query(viewer, "support/index", listed.variables | {"first": PAGE}))["orders"]
            counts = await self._counts(viewer, listed)
        except PageRefused as refusal:
            if refusal.status != 400:
                raise
            return self._render(request, viewer, listed, refusals=_refused(refusal.message))
        if only := _named(orders, listed.search):
            return see_other(f"/support/orders/{only}")
        return self._render(request, viewer, listed, orders=orders, counts=counts)

    async def _counts(self, viewer: Viewer, listed: OrderList) -> Mapping[str, Any] | None:
        """By view, of this list and of what came in since it was opened; None for a search, which nothing counts."""
        if listed.search:
            return None
        filters = {name or "all": listed.filter(name) for name in VIEWS}
        filters |= {"listed": listed.filter(until=listed.since), "news": listed.filter(after=listed.since)}
        return await self._site.query(viewer, "support/index_counts", filters)

    def _render(
        self, request: Request, viewer: Viewer, listed: OrderList, *, orders: Any = None,
        counts: Mapping[str, Any] | None = None, refusals: Refusals | None = None,
    ) -> Response:  # fmt: skip
        return self._site.render(
            request, viewer, "support/index", status=422 if refusals else 200, refusals=refusals or Refusals(),
            listed=listed, orders=orders, counts=counts, tabs=listed.tabs(counts), next_step=next_step,
            matched=partial(matched, search=listed.search), statuses=status_texts("order"),
            older=listed.older(orders, len(orders["nodes"])) if orders else None,
        )  # fmt: skip

    @page("/support/orders.csv", needs=WorkPermission.READ_OPERATIONS)
    async def export(self, request: Request, viewer: Viewer) -> Response:
        """The same list as CSV; ?order= only the chosen ones."""
        try:
            listed = OrderList.of(request.query_params)
        except BadAddress as refusal:
            raise PageRefused(422, str(refusal)) from refusal
        return await exported(self._site, viewer, listed)


def _named(orders: Mapping[str, Any], search: str) -> str | None:
    """The id of the only order found, if the search is all of its id, of its references, or of a tracking number."""
    if len(orders["nodes"]) != 1 or orders["pageInfo"]["hasNextPage"]:
        return None
    [order] = orders["nodes"]
    names = [order["id"], order["reference"], order["ownReference"]]
    names += [shipment["trackingNumber"] for shipment in order["shipments"]]
    return str(order["id"]) if search.casefold() in [name.casefold() for name in names if name] else None


def matched(order: Mapping[str, Any], search: str) -> str:
    """By which number that its row does not show an order was found; empty if by another, or by what the row shows.

    What a customer entered, such as an address, is not read for this: each reading is an entry of the audit log.
    """
    words = tuple(search.casefold().split())
    if not words:
        return ""
    own = order["ownReference"]
    if own and own != order["reference"] and own.casefold().startswith(words):
        return _("by the customer's reference %(number)s") % {"number": own}
    for number in filter(None, (shipment["trackingNumber"] for shipment in order["shipments"])):
        if number.casefold().startswith(words):
            return _("by tracking number %(number)s") % {"number": number}
    return ""


def _refused(message: str) -> Refusals:
    return Refusals(({"message": message, "path": None},))
