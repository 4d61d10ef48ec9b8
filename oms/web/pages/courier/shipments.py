"""The courier's pages: what to pick up, what is on the way, what is done, and one shipment with what to do next."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Final
from urllib.parse import urlencode

from starlette.requests import Request
from starlette.responses import FileResponse, Response

from oms.domain.access.permissions import Viewer
from oms.domain.order.shipment import ShipmentStatus
from oms.domain.order_queries.shipment_counts import MAX_COUNTED
from oms.platform.settings import PROJECT_DIR
from oms.web.pages.site import HEADERS, Refusals, Site, form_of, see_other

PAGE: Final = 20
DONE_WITHIN: Final = timedelta(hours=24)
WAYPOINTS: Final[Mapping[str, tuple[str, ShipmentStatus]]] = {
    "pick-up": ("To pick up", ShipmentStatus.BOOKED),
    "on-the-way": ("On the way", ShipmentStatus.DISPATCHED),
    "done": ("Done today", ShipmentStatus.DELIVERED),
}
"""The list's three parts by their names in its address."""

NOTICES: Final = {"failure-reported": "The failure was reported, and the shipment has left your list."}
_WORKER: Final = PROJECT_DIR / "static" / "courier-worker.js"


@dataclass(frozen=True, slots=True)
class Tab:
    """One of the list's parts: how many it holds, and where it is shown."""

    name: str
    count: str
    address: str
    is_current: bool


class CourierPages:
    """GET /courier and /courier/shipments/ID, and the forms of a shipment."""

    def __init__(self, site: Site) -> None:
        self._site = site

    async def index(self, request: Request, viewer: Viewer) -> Response:
        asked = request.query_params
        part = asked.get("part", "") if asked.get("part", "") in WAYPOINTS else "pick-up"
        warehouse, after = asked.get("warehouse") or None, asked.get("after") or None
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
            notice=NOTICES.get(asked.get("notice", "")),
        )

    async def show(self, request: Request, viewer: Viewer) -> Response:
        return await self._show(request, viewer)

    async def dispatch(self, request: Request, viewer: Viewer) -> Response:
        return await self._act(request, viewer, "dispatch")

    async def deliver(self, request: Request, viewer: Viewer) -> Response:
        return await self._act(request, viewer, "deliver")

    async def fail(self, request: Request, viewer: Viewer) -> Response:
        return await self._act(request, viewer, "fail", "reason", done="/courier?notice=failure-reported")

    async def worker(self, _request: Request) -> Response:
        """The service worker, at the site's root so that it may serve /courier; looked for anew each time."""
        headers = HEADERS | {"Cache-Control": "no-cache"}
        return FileResponse(_WORKER, media_type="text/javascript", headers=headers)

    async def _act(
        self, request: Request, viewer: Viewer, name: str, *inputs: str, done: str | None = None
    ) -> Response:
        """Carries out templates/courier/NAME.graphql with the inputs entered; then to `done`, or the shipment."""
        form = await form_of(request)
        shipment_id = request.path_params["id"]
        variables = {"id": shipment_id} | {entered: form.get(entered, "") for entered in inputs}
        _, refusals = await self._site.act(viewer, f"courier/{name}", variables, key=form.get("key"))
        if refusals.errors:
            return await self._show(request, viewer, Refusals(refusals.errors, form), status=422)
        return see_other(done or f"/courier/shipments/{shipment_id}")

    async def _show(
        self, request: Request, viewer: Viewer, refusals: Refusals | None = None, *, status: int = 200
    ) -> Response:
        """What was refused because somebody was first is told in words, by what has become of the shipment."""
        said, overtaken = _without_conflict(refusals or Refusals())
        shipment_id = request.path_params["id"]
        shipment = (await self._site.query(viewer, "courier/show", {"id": shipment_id}))["shipment"]
        values: dict[str, Any] = {"overtaken": overtaken, "refusals": said, "path": f"/courier/shipments/{shipment_id}"}
        if shipment is None:
            return self._site.render(request, viewer, "courier/gone", status=status if overtaken else 404, **values)
        return self._site.render(request, viewer, "courier/show", status=status, shipment=shipment, **values)


def _filter(part: str, warehouse: str | None) -> dict[str, Any]:
    """The API's ShipmentFilter for a part of the list."""
    wanted: dict[str, Any] = {"status": [WAYPOINTS[part][1]], "warehouseCode": warehouse}
    if part == "done":
        wanted["deliveredFrom"] = (datetime.now(UTC) - DONE_WITHIN).isoformat()
    return wanted


def _address(part: str, warehouse: str | None, after: str | None = None) -> str:
    asked = {"part": part, "warehouse": warehouse, "after": after}
    return "/courier?" + urlencode({name: value for name, value in asked.items() if value})


def _tabs(counts: list[dict[str, Any]], part: str, warehouse: str | None) -> Iterator[Tab]:
    """How many there are of each part, at the warehouse if one is chosen."""
    counted = {each["status"]: each["count"] for each in counts}
    for each, (name, status) in WAYPOINTS.items():
        told = f"{MAX_COUNTED:,}+" if counted[status] >= MAX_COUNTED else str(counted[status])
        yield Tab(name, told, _address(each, warehouse), each == part)


def _warehouses(listed: list[dict[str, Any]], chosen: str | None) -> dict[str, str]:
    """Names by code, in the order of names; the one chosen is among them even where it is not listed."""
    known = {warehouse["code"]: warehouse["name"] for warehouse in listed}
    if chosen:
        known.setdefault(chosen, chosen)
    return dict(sorted(known.items(), key=lambda entry: entry[1]))


def _without_conflict(refusals: Refusals) -> tuple[Refusals, bool]:
    others = tuple(error for error in refusals.errors if error["code"] != "CONFLICT")
    return Refusals(others, refusals.entered), len(others) < len(refusals.errors)
