"""The courier's pages: shipments to pick up, on the way and delivered, and one shipment with its next step."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Final
from urllib.parse import urlencode

from starlette.requests import Request
from starlette.responses import FileResponse, Response

from oms.domain.access.permissions import Viewer
from oms.domain.fulfilment.policy import FulfilmentPermission
from oms.domain.order.policy import OrderPermission
from oms.domain.order.shipment import COURIER_SEES, ON_THE_WAY, WITH_COURIER, ShipmentStatus
from oms.domain.order_queries.shipment_counts import MAX_COUNTED
from oms.domain.vocabulary.actor import Role
from oms.domain.vocabulary.permission import Reach
from oms.domain.vocabulary.wording import wording
from oms.platform.settings import PROJECT_DIR
from oms.web.pages.declarations import Entry, Pages, form, page, public_page
from oms.web.pages.rendering.site import HEADERS, Refusals, Site, read_form, see_other

PAGE: Final = 20
DONE_WITHIN: Final = timedelta(hours=24)
PARTS: Final[Mapping[str, tuple[str, frozenset[ShipmentStatus]]]] = {
    "pick-up": (wording("To pick up"), WITH_COURIER - ON_THE_WAY),
    "on-the-way": (wording("On the way"), ON_THE_WAY),
    "done": (wording("Done today"), COURIER_SEES - WITH_COURIER),
}
"""The parts of the list, by their names in its address: label and statuses."""

NOTICES: Final = {"failure-reported": wording("The failure was reported. The shipment is no longer on your list.")}
_SHIPMENT: Final = "/courier/shipments/{id}"
_WORKER: Final = PROJECT_DIR / "static" / "courier-worker.js"


@dataclass(frozen=True, slots=True)
class Tab:
    """A part of the list, with its number of shipments and its address."""

    name: str
    count: str
    address: str
    is_current: bool


class CourierPages(Pages):
    """The list of shipments, one shipment, and its forms."""

    within = frozenset({Reach.CARRIED, Reach.ALL})

    def __init__(self, site: Site) -> None:
        self._site = site

    @page("/courier", needs=OrderPermission.COUNT_SHIPMENTS, entry=Entry("Shipments", Role.COURIER, icon="truck"))
    async def index(self, request: Request, viewer: Viewer) -> Response:
        query = request.query_params
        part = query.get("part", "") if query.get("part", "") in PARTS else "pick-up"
        warehouse, after = query.get("warehouse") or None, query.get("after") or None
        variables = {"first": PAGE, "after": after, "filter": _filter(part, warehouse), "warehouse": warehouse}
        data = await self._site.query(viewer, "courier/index", variables)
        return self._site.render(
            request,
            viewer,
            "courier/index",
            part=part,
            tabs=list(_tabs(data["shipmentCounts"], part, warehouse)),
            warehouses=_warehouses(data["warehouses"]["nodes"], warehouse),
            warehouse=warehouse,
            after=after,
            shipments=data["shipments"],
            first_address=_address(part, warehouse),
            next_address=_address(part, warehouse, data["shipments"]["pageInfo"]["endCursor"]),
            notice=NOTICES.get(query.get("notice", "")),
        )

    @page(_SHIPMENT, needs=OrderPermission.READ_SHIPMENTS)
    async def show(self, request: Request, viewer: Viewer) -> Response:
        return await self._show(request, viewer)

    @form(f"{_SHIPMENT}/dispatch", needs=FulfilmentPermission.DISPATCH)
    async def dispatch(self, request: Request, viewer: Viewer) -> Response:
        return await self._act(request, viewer, "dispatch")

    @form(f"{_SHIPMENT}/delivery", needs=FulfilmentPermission.DELIVER)
    async def deliver(self, request: Request, viewer: Viewer) -> Response:
        return await self._act(request, viewer, "deliver")

    @form(f"{_SHIPMENT}/failure", needs=FulfilmentPermission.FAIL_SHIPMENT)
    async def fail(self, request: Request, viewer: Viewer) -> Response:
        return await self._act(request, viewer, "fail", "reason", done="/courier?notice=failure-reported")

    @public_page("/courier-worker.js")
    async def worker(self, _request: Request) -> Response:
        """The service worker, at the root so that it may serve /courier; browsers revalidate it each time."""
        headers = HEADERS | {"Cache-Control": "no-cache"}
        return FileResponse(_WORKER, media_type="text/javascript", headers=headers)

    async def _act(
        self, request: Request, viewer: Viewer, name: str, *inputs: str, done: str | None = None
    ) -> Response:
        """Executes templates/courier/NAME.graphql with the entered inputs; then leads to `done`, or the shipment."""
        values = await read_form(request)
        shipment_id = request.path_params["id"]
        variables = {"id": shipment_id} | {name: values.get(name, "") for name in inputs}
        _, refusals = await self._site.mutate(viewer, f"courier/{name}", variables, key=values.get("key"))
        if refusals.errors:
            return await self._show(request, viewer, Refusals(refusals.errors, values), status=422)
        return see_other(done or f"/courier/shipments/{shipment_id}")

    async def _show(
        self, request: Request, viewer: Viewer, refusals: Refusals | None = None, *, status: int = 200
    ) -> Response:
        """If the shipment has changed meanwhile, the page says so and shows its status in place of the conflict."""
        others, overtaken = _without_conflict(refusals or Refusals())
        shipment_id = request.path_params["id"]
        shipment = (await self._site.query(viewer, "courier/show", {"id": shipment_id}))["shipment"]
        values: dict[str, Any] = {
            "overtaken": overtaken,
            "refusals": others,
            "path": f"/courier/shipments/{shipment_id}",
        }
        if shipment is None:
            return self._site.render(request, viewer, "courier/gone", status=status if overtaken else 404, **values)
        return self._site.render(request, viewer, "courier/show", status=status, shipment=shipment, **values)


def _filter(part: str, warehouse: str | None) -> dict[str, Any]:
    """The API's ShipmentFilter for a part of the list."""
    only: dict[str, Any] = {"status": sorted(PARTS[part][1]), "warehouseCode": warehouse}
    if part == "done":
        only["deliveredFrom"] = (datetime.now(UTC) - DONE_WITHIN).isoformat()
    return only


def _address(part: str, warehouse: str | None, after: str | None = None) -> str:
    query = {"part": part, "warehouse": warehouse, "after": after}
    return "/courier?" + urlencode({name: value for name, value in query.items() if value})


def _tabs(counts: list[dict[str, Any]], part: str, warehouse: str | None) -> Iterator[Tab]:
    """The number of shipments in each part, at the warehouse if one is chosen."""
    counted = {each["status"]: each["count"] for each in counts}
    for each, (name, statuses) in PARTS.items():
        count = sum(counted[status] for status in statuses)
        shown = f"{MAX_COUNTED:,}+" if count >= MAX_COUNTED else str(count)
        yield Tab(name, shown, _address(each, warehouse), each == part)


def _warehouses(listed: list[dict[str, Any]], chosen: str | None) -> dict[str, str]:
    """Names by code, sorted by name; includes the chosen one even if it is not listed."""
    known = {warehouse["code"]: warehouse["name"] for warehouse in listed}
    if chosen:
        known.setdefault(chosen, chosen)
    return dict(sorted(known.items(), key=lambda entry: entry[1]))


def _without_conflict(refusals: Refusals) -> tuple[Refusals, bool]:
    others = tuple(error for error in refusals.errors if error["code"] != "CONFLICT")
    return Refusals(others, refusals.entered), len(others) < len(refusals.errors)
