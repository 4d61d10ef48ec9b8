"""The pages of support, and of managers: one order with its whole timeline, a customer's orders, and stuck jobs."""

import json
from collections.abc import Mapping
from dataclasses import replace
from typing import Any, Final
from urllib.parse import quote, urlencode

from starlette.requests import Request
from starlette.responses import Response

from oms.domain.access.permissions import Viewer
from oms.domain.cancellation.policy import CancellationPermission
from oms.domain.customers.policy import CustomerPermission
from oms.domain.fulfilment.policy import FulfilmentPermission
from oms.domain.parked.policy import ParkedPermission
from oms.domain.vocabulary.actor import Role
from oms.domain.vocabulary.permission import Reach
from oms.domain.vocabulary.wording import wording
from oms.domain.work.policy import WorkPermission
from oms.web.pages.declarations import Entry, Group, Pages, form, page
from oms.web.pages.rendering.site import PageRefused, Refusals, Site, document, read_form, see_other
from oms.web.pages.support.next_step import STEP_PHRASES, next_step

PAGE: Final = 20
"""Orders or stuck jobs on one page."""

EVENTS: Final = 100
"""Events of the timeline on one page; few orders have more."""

_ORDER: Final = "/support/orders/{id}"


class SupportPages(Pages):
    """Below /support."""

    within = frozenset({Reach.ALL})

    def __init__(self, site: Site) -> None:
        self._site = site

    @page(_ORDER, needs=WorkPermission.READ_OPERATIONS)
    async def order(self, request: Request, viewer: Viewer) -> Response:
        """?events= continues the timeline after an event."""
        return await self._order(request, viewer)

    @page(
        "/support/parked",
        needs=ParkedPermission.MEND_WORK,
        entry=Entry("Stuck jobs", Role.SUPPORT, group=Group.SELLING, icon="system", key="s"),
    )
    async def parked(self, request: Request, viewer: Viewer) -> Response:
        return await self._parked(request, viewer)

    @page("/support/customers/{id}", needs=CustomerPermission.READ_CUSTOMER)
    async def customer(self, request: Request, viewer: Viewer) -> Response:
        variables = {"id": request.path_params["id"], "first": PAGE, "after": request.query_params.get("after")}
        customer = (await self._site.query(viewer, "support/customer", variables))["customer"]
        if customer is None:
            raise PageRefused(404, wording("There is no such customer."))
        return self._site.render(
            request, viewer, "support/customer", customer=customer, next_step=next_step, more=_more(customer["orders"]),
            is_first=variables["after"] is None,
        )  # fmt: skip

    @form(f"{_ORDER}/cancellation", needs=CancellationPermission.CANCEL_ORDER)
    async def cancel(self, request: Request, viewer: Viewer) -> Response:
        return await self._act(request, viewer, "cancel", "orderId", str(request.path_params["id"]))

    @form(f"{_ORDER}/shipments/{{shipment}}/failure", needs=FulfilmentPermission.FAIL_SHIPMENT)
    async def fail_shipment(self, request: Request, viewer: Viewer) -> Response:
        return await self._act(request, viewer, "fail_shipment", "shipmentId", str(request.path_params["shipment"]))

    @form(f"{_ORDER}/work/{{work}}/retry", needs=ParkedPermission.MEND_WORK)
    @form("/support/parked/{work}/retry", needs=ParkedPermission.MEND_WORK)
    async def retry(self, request: Request, viewer: Viewer) -> Response:
        return await self._act(request, viewer, "retry", "workId", str(request.path_params["work"]))

    @form(f"{_ORDER}/work/{{work}}/abandonment", needs=ParkedPermission.MEND_WORK)
    @form("/support/parked/{work}/abandonment", needs=ParkedPermission.MEND_WORK)
    async def give_up(self, request: Request, viewer: Viewer) -> Response:
        return await self._act(request, viewer, "give_up", "workId", str(request.path_params["work"]))

    async def _act(self, request: Request, viewer: Viewer, name: str, subject: str, subject_id: str) -> Response:
        """Executes templates/support/NAME.graphql, then leads back to the order's page, or to the stuck jobs."""
        values = await read_form(request)
        variables = {subject: subject_id} | ({} if name == "retry" else {"reason": _reason(values, name)})
        _, refusals = await self._site.mutate(viewer, f"support/{name}", variables, key=values.get("key"))
        if not refusals.errors:
            return see_other(_page_of(request))
        shown = replace(refusals, errors=tuple(map(_visible, refusals.errors)), entered=values)
        page = self._order if "id" in request.path_params else self._parked
        return await page(request, viewer, shown, refused=subject_id)

    async def _order(
        self, request: Request, viewer: Viewer, refusals: Refusals | None = None, refused: str | None = None
    ) -> Response:
        after = request.query_params.get("events")
        variables = {"id": request.path_params["id"], "events": EVENTS, "eventsAfter": after}
        order = (await self._site.query(viewer, "support/order", variables))["order"]
        if order is None:
            raise PageRefused(404, wording("There is no such order."))
        numbers = {shipment["id"]: number for number, shipment in enumerate(order["shipments"], 1)}
        return self._site.render(
            request, viewer, "support/order", status=422 if refusals else 200,
            path=_page_of(request) if refusals else None, refusals=refusals or Refusals(), refused=refused,
            order=order, numbers=numbers, steps=STEP_PHRASES, is_first=after is None, explore=_graphiql(order["id"]),
        )  # fmt: skip

    async def _parked(
        self, request: Request, viewer: Viewer, refusals: Refusals | None = None, refused: str | None = None
    ) -> Response:
        after = request.query_params.get("after")
        parked = (await self._site.query(viewer, "support/parked", {"first": PAGE, "after": after}))["parkedWork"]
        return self._site.render(
            request, viewer, "support/parked", status=422 if refusals else 200,
            path=_page_of(request) if refusals else None, refusals=refusals or Refusals(), refused=refused,
            parked=parked, steps=STEP_PHRASES, more=_more(parked), is_first=after is None,
        )  # fmt: skip


def _more(connection: Mapping[str, Any], **kept: str) -> str | None:
    """The query string of the next page."""
    info = connection["pageInfo"]
    if not info["hasNextPage"]:
        return None
    return "?" + urlencode({name: value for name, value in kept.items() if value} | {"after": info["endCursor"]})


def _page_of(request: Request) -> str:
    """The page that contains the values."""
    order_id = request.path_params.get("id")
    return f"/support/orders/{quote(order_id, safe='')}" if order_id else "/support/parked"


def _reason(values: Mapping[str, str], name: str) -> str | None:
    """Optional for a cancellation only."""
    reason = values.get("reason", "").strip()
    return None if name == "cancel" and not reason else reason


def _visible(error: Mapping[str, Any]) -> Mapping[str, Any]:
    """At the reason's field, or at the top of the page, because any other field may no longer be shown."""
    return error if error["path"] == ["reason"] else {**error, "path": None}


def _graphiql(order_id: str) -> str:
    """The address of GraphiQL with a query of the order."""
    variables = json.dumps({"id": order_id})
    return "/graphql?" + urlencode({"query": document("support/explore"), "variables": variables})
