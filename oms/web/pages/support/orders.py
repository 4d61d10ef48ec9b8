"""What support sees, and managers with it: any order and all that led where it is, and the work that is stuck."""

import json
from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any, Final
from urllib.parse import quote, urlencode

from starlette.requests import Request
from starlette.responses import Response

from oms.domain.access.permissions import Viewer
from oms.web.pages.site import NotAllowed, Refusals, Site, document, form_of, see_other
from oms.web.pages.words import ORDER_WORDS

PAGE: Final = 20
"""Orders, and parked work, of one page."""

EVENTS: Final = 100
"""Of the audit trail; few orders have more."""

RECENT: Final = timedelta(days=7)
"""For how long a closed order is still listed where nobody searches for it."""

STEP_WORDS: Final[Mapping[str, str]] = {
    "ALLOCATE": "Find the items in the warehouses",
    "EXPIRE": "Time out unless the customer answers",
    "CHARGE": "Charge the customer",
    "SETTLE": "Find out how the charge ended",
    "REFUND": "Refund the customer",
    "BOOK": "Book a courier",
    "RELEASE": "Cancel the courier's booking",
}


class SupportPages:
    """/support and what is below it."""

    def __init__(self, site: Site) -> None:
        self._site = site

    async def index(self, request: Request, viewer: Viewer) -> Response:
        """?q= searches all orders; without it, what is open or was closed lately, longest waiting first."""
        search, status = (request.query_params.get(name, "").strip() for name in ("q", "status"))
        orders, refusals = await self._orders(viewer, _question(request, search, status))
        return self._site.render(
            request, viewer, "support/index", status=422 if refusals.errors else 200, refusals=refusals,
            search=search, wanted=status, orders=orders, order_words=ORDER_WORDS, recent_days=RECENT.days,
            more=_more(orders, q=search, status=status) if orders else None, is_first="after" not in
            request.query_params,
        )  # fmt: skip

    async def _orders(self, viewer: Viewer, question: Mapping[str, Any]) -> tuple[Any, Refusals]:
        """What is found; or None, and why nothing can be found that way."""
        for status in question["filter"].get("status", ()):
            if status not in ORDER_WORDS:
                return None, Refusals(({"message": f"There is no status {status}.", "path": None},))
        try:
            return (await self._site.query(viewer, "support/index", question))["orders"], Refusals()
        except NotAllowed as refusal:
            if refusal.status != 400:
                raise
            return None, Refusals(({"message": refusal.message, "path": None},))

    async def order(self, request: Request, viewer: Viewer) -> Response:
        """?events= goes on behind an event of the trail."""
        return await self._order(request, viewer)

    async def parked(self, request: Request, viewer: Viewer) -> Response:
        return await self._parked(request, viewer)

    async def customer(self, request: Request, viewer: Viewer) -> Response:
        variables = {"id": request.path_params["id"], "first": PAGE, "after": request.query_params.get("after")}
        customer = (await self._site.query(viewer, "support/customer", variables))["customer"]
        if customer is None:
            raise NotAllowed(404, "There is no such customer.")
        return self._site.render(
            request, viewer, "support/customer", customer=customer, more=_more(customer["orders"]),
            is_first=variables["after"] is None,
        )  # fmt: skip

    async def cancel(self, request: Request, viewer: Viewer) -> Response:
        return await self._act(request, viewer, "cancel", "orderId", str(request.path_params["id"]))

    async def fail_shipment(self, request: Request, viewer: Viewer) -> Response:
        return await self._act(request, viewer, "fail_shipment", "shipmentId", str(request.path_params["shipment"]))

    async def retry(self, request: Request, viewer: Viewer) -> Response:
        return await self._act(request, viewer, "retry", "workId", str(request.path_params["work"]))

    async def give_up(self, request: Request, viewer: Viewer) -> Response:
        return await self._act(request, viewer, "give_up", "workId", str(request.path_params["work"]))

    async def _act(self, request: Request, viewer: Viewer, name: str, subject: str, subject_id: str) -> Response:
        """Carries out templates/support/NAME.graphql, then goes back to the order's page, or to the parked work."""
        form = await form_of(request)
        variables = {subject: subject_id} | ({} if name == "retry" else {"reason": _reason(form, name)})
        _, refusals = await self._site.act(viewer, f"support/{name}", variables, key=form.get("key"))
        if not refusals.errors:
            return see_other(_page_of(request))
        shown = replace(refusals, errors=tuple(map(_where_it_is_seen, refusals.errors)), entered=form)
        page = self._order if "id" in request.path_params else self._parked
        return await page(request, viewer, shown, refused=subject_id)

    async def _order(
        self, request: Request, viewer: Viewer, refusals: Refusals | None = None, refused: str | None = None
    ) -> Response:
        after = request.query_params.get("events")
        variables = {"id": request.path_params["id"], "events": EVENTS, "eventsAfter": after}
        order = (await self._site.query(viewer, "support/order", variables))["order"]
        if order is None:
            raise NotAllowed(404, "There is no such order.")
        numbers = {shipment["id"]: number for number, shipment in enumerate(order["shipments"], 1)}
        return self._site.render(
            request, viewer, "support/order", status=422 if refusals else 200,
            path=_page_of(request) if refusals else None, refusals=refusals or Refusals(), refused=refused,
            order=order, numbers=numbers, steps=STEP_WORDS, is_first=after is None, explore=_graphiql(order["id"]),
        )  # fmt: skip

    async def _parked(
        self, request: Request, viewer: Viewer, refusals: Refusals | None = None, refused: str | None = None
    ) -> Response:
        after = request.query_params.get("after")
        parked = (await self._site.query(viewer, "support/parked", {"first": PAGE, "after": after}))["parkedWork"]
        return self._site.render(
            request, viewer, "support/parked", status=422 if refusals else 200,
            path=_page_of(request) if refusals else None, refusals=refusals or Refusals(), refused=refused,
            parked=parked, steps=STEP_WORDS, more=_more(parked), is_first=after is None,
        )  # fmt: skip


def _question(request: Request, search: str, status: str) -> dict[str, Any]:
    """The variables of support/index.graphql."""
    variables: dict[str, Any] = {"first": PAGE, "after": request.query_params.get("after")}
    only: dict[str, Any] = {"status": [status]} if status else {}
    if search:
        return variables | {"search": search, "filter": only}
    since = (datetime.now(UTC) - RECENT).isoformat()
    return variables | {"sort": "WAITING_LONGEST", "filter": only | {"openOrClosedSince": since}}


def _more(connection: Mapping[str, Any], **kept: str) -> str | None:
    """The query string of the next page."""
    info = connection["pageInfo"]
    if not info["hasNextPage"]:
        return None
    return "?" + urlencode({name: value for name, value in kept.items() if value} | {"after": info["endCursor"]})


def _page_of(request: Request) -> str:
    """Where the form stood that was sent."""
    order_id = request.path_params.get("id")
    return f"/support/orders/{quote(order_id, safe='')}" if order_id else "/support/parked"


def _reason(form: Mapping[str, str], name: str) -> str | None:
    """Only a cancellation needs none."""
    reason = form.get("reason", "").strip()
    return None if name == "cancel" and not reason else reason


def _where_it_is_seen(error: Mapping[str, Any]) -> Mapping[str, Any]:
    """Beside the reason, or on top of the page: what it is about may have changed, and its form be gone."""
    return error if error["path"] == ["reason"] else {**error, "path": None}


def _graphiql(order_id: str) -> str:
    """GraphiQL's address with a query of the order filled in."""
    variables = json.dumps({"id": order_id})
    return "/graphql?" + urlencode({"query": document("support/explore"), "variables": variables})
