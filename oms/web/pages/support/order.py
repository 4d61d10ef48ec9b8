"""The page of one order for support and managers: its shipments, money, notes and history, and what they may do."""

import json
from typing import Final
from urllib.parse import quote, urlencode

from starlette.requests import Request
from starlette.responses import Response

from oms.domain.access.permissions import Viewer
from oms.domain.cancellation.policy import CancellationPermission
from oms.domain.fulfilment.policy import FulfilmentPermission
from oms.domain.notes.model import NOTE_LENGTH
from oms.domain.notes.policy import NotePermission
from oms.domain.parked.policy import ParkedPermission
from oms.domain.vocabulary.permission import Reach
from oms.domain.work.policy import WorkPermission
from oms.web.pages.declarations import Pages, form, page
from oms.web.pages.manager.stock import product_page
from oms.web.pages.rendering.days import by_day
from oms.web.pages.rendering.site import PageRefused, Refusals, Site, document, see_other
from oms.web.pages.support.acts import act
from oms.web.pages.support.banner import banners
from oms.web.pages.support.next_step import STEP_PHRASES
from oms.web.pages.support.risk import decision

EVENTS: Final = 40
"""Events of the history on one page."""

NOTES: Final = 20

_ORDER: Final = "/support/orders/{id}"


class SupportOrderPages(Pages):
    """/support/orders/{id} and below."""

    within = frozenset({Reach.ALL})

    def __init__(self, site: Site) -> None:
        self._site = site

    @page(_ORDER, needs=WorkPermission.READ_OPERATIONS)
    async def order(self, request: Request, viewer: Viewer) -> Response:
        """?events= and ?notes= continue the history and the notes after one of them."""
        return await self._show(request, viewer)

    @form(f"{_ORDER}/notes", needs=NotePermission.ADD_NOTE)
    async def add_note(self, request: Request, viewer: Viewer) -> Response:
        return await self._act(request, viewer, "add_note", "orderId", "id")

    @form(f"{_ORDER}/cancellation", needs=CancellationPermission.CANCEL_ORDER)
    async def cancel(self, request: Request, viewer: Viewer) -> Response:
        return await self._act(request, viewer, "cancel", "orderId", "id")

    @form(f"{_ORDER}/shipments/{{shipment}}/failure", needs=FulfilmentPermission.FAIL_SHIPMENT)
    async def fail_shipment(self, request: Request, viewer: Viewer) -> Response:
        return await self._act(request, viewer, "fail_shipment", "shipmentId", "shipment")

    @form(f"{_ORDER}/work/{{work}}/retry", needs=ParkedPermission.MEND_WORK)
    async def retry(self, request: Request, viewer: Viewer) -> Response:
        return await self._act(request, viewer, "retry", "workId", "work")

    @form(f"{_ORDER}/work/{{work}}/abandonment", needs=ParkedPermission.MEND_WORK)
    async def give_up(self, request: Request, viewer: Viewer) -> Response:
        return await self._act(request, viewer, "give_up", "workId", "work")

    async def _act(self, request: Request, viewer: Viewer, name: str, subject: str, param: str) -> Response:
        subject_id = str(request.path_params[param])
        refusals = await act(self._site, request, viewer, name, {subject: subject_id})
        if refusals is None:
            return see_other(_address(request))
        return await self._show(request, viewer, refusals, refused=subject_id)

    async def _show(
        self, request: Request, viewer: Viewer, refusals: Refusals | None = None, refused: str | None = None
    ) -> Response:
        events, notes = (request.query_params.get(name) for name in ("events", "notes"))
        variables = {
            "id": request.path_params["id"], "events": EVENTS, "eventsAfter": events, "notes": NOTES,
            "notesAfter": notes,
        }  # fmt: skip
        order = (await self._site.query(viewer, "support/order", variables))["order"]
        if order is None:
            raise PageRefused(404, "There is no such order.")
        numbers = {shipment["id"]: number for number, shipment in enumerate(order["shipments"], 1)}
        return self._site.render(
            request, viewer, "support/order", status=422 if refusals else 200,
            path=_address(request) if refusals else None, refusals=refusals or Refusals(), refused=refused,
            order=order, numbers=numbers, steps=STEP_PHRASES, banners=banners(order, numbers), by_day=by_day,
            shows_lines=not order["shipments"] or any(line["unavailableQuantity"] for line in order["lines"]),
            newest_events=events is None, newest_notes=notes is None, note_length=NOTE_LENGTH,
            explore=_graphiql(order["id"]), product_page=product_page, decision=decision,
        )  # fmt: skip


def _address(request: Request) -> str:
    """The order's page."""
    return f"/support/orders/{quote(str(request.path_params['id']), safe='')}"


def _graphiql(order_id: str) -> str:
    """The address of GraphiQL with a query of the order."""
    variables = json.dumps({"id": order_id})
    return "/graphql?" + urlencode({"query": document("support/explore"), "variables": variables})
