"""A courier's run: shipments to load, by warehouse, then on the way with the next stop first, and done."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import partial
from itertools import groupby
from typing import Any, Final
from urllib.parse import urlencode

from starlette.requests import Request
from starlette.responses import Response

from oms.domain.access.permissions import Viewer
from oms.domain.fulfilment.policy import FulfilmentPermission
from oms.domain.order.policy import OrderPermission
from oms.domain.order.shipment import COURIER_SEES, ON_THE_WAY, WITH_COURIER, ShipmentStatus
from oms.domain.order_queries.shipment_counts import MAX_COUNTED
from oms.domain.vocabulary.actor import Role
from oms.domain.vocabulary.permission import Reach
from oms.domain.vocabulary.texts.checks import CODE_LENGTH
from oms.domain.vocabulary.wording import wording
from oms.web.pages.declarations import Entry, Pages, form, page
from oms.web.pages.rendering.site import PageRefused, Site, read_form, see_other

RUN: Final = "/courier"
PAGE: Final = 40
"""Shipments of one page, and at most so many are picked up by one press: fewer than a person's requests in a second."""

DONE_WITHIN: Final = timedelta(hours=24)
A_RUN: Final = timedelta(hours=12)
TO_LOAD: Final = "pick-up"
UNDER_WAY: Final = "on-the-way"
DONE: Final = "done"
PARTS: Final[Mapping[str, tuple[str, frozenset[ShipmentStatus]]]] = {
    TO_LOAD: (wording("To load"), WITH_COURIER - ON_THE_WAY),
    UNDER_WAY: (wording("On the way"), ON_THE_WAY),
    DONE: (wording("Done"), COURIER_SEES - WITH_COURIER),
}
"""The parts of the run, by their names in its address: label and statuses."""

NOTICES: Final = {
    "failure-reported": wording("The failure was reported. The shipment is no longer on your list."),
    "again-tomorrow": wording("The customer is told that you try again tomorrow. The parcel stays with you."),
    "picked-up": wording("Everything is picked up and on the way."),
    "scanned": wording("Picked up. Scan the next one."),
}

UNKNOWN: Final = "unknown-number"
"""The notice that a scanned number belongs to no parcel that the courier may see."""


@dataclass(frozen=True, slots=True)
class Tab:
    """A part of the run, with its number of shipments, at most MAX_COUNTED, and its address."""

    name: str
    count: int
    address: str
    is_current: bool

    @property
    def shown(self) -> str:
        return f"{MAX_COUNTED:,}+" if self.count >= MAX_COUNTED else str(self.count)


@dataclass(frozen=True, slots=True)
class Load:
    """What waits at one warehouse. `ids`: of those that the viewer may pick up."""

    warehouse: str
    shipments: Sequence[Mapping[str, Any]]
    ids: Sequence[str]


class RunPages(Pages):
    """The run, and picking up all that waits at a warehouse."""

    within = frozenset({Reach.CARRIED, Reach.ALL})

    def __init__(self, site: Site) -> None:
        self._site = site

    @page(RUN, needs=OrderPermission.COUNT_SHIPMENTS, entry=Entry("Run", Role.COURIER, icon="truck"))
    async def index(self, request: Request, viewer: Viewer) -> Response:
        query = request.query_params
        warehouse, after = query.get("warehouse") or None, query.get("after") or None
        counted = await self._site.query(viewer, "courier/counts", {"warehouse": warehouse})
        counts = _counts(counted["shipmentCounts"])
        part = query.get("part", "") if query.get("part", "") in PARTS else _first(counts)
        variables = {"first": PAGE, "after": after, "filter": _filter(part, warehouse)}
        found = (await self._site.query(viewer, "courier/index", variables))["shipments"]
        shipments = (
            sorted(found["nodes"], key=partial(_place, datetime.now(UTC))) if part == UNDER_WAY else found["nodes"]
        )
        return self._site.render(
            request,
            viewer,
            "courier/index",
            part=part,
            tabs=list(_tabs(counts, part, warehouse)),
            counts=counts,
            is_whole=max(counts.values()) < MAX_COUNTED and after is None,
            warehouses=_warehouses(counted["warehouses"]["nodes"], warehouse),
            warehouse=warehouse,
            after=after,
            shipments=shipments,
            loads=list(_loads(shipments)) if part == TO_LOAD else [],
            has_more=found["pageInfo"]["hasNextPage"],
            first_address=_address(part, warehouse),
            next_address=_address(part, warehouse, found["pageInfo"]["endCursor"]),
            notice=NOTICES.get(query.get("notice", "")),
            is_unknown=query.get("notice") == UNKNOWN,
            scans=query.get("notice") in ("scanned", UNKNOWN),
        )

    @form(f"{RUN}/scan", needs=OrderPermission.READ_SHIPMENTS)
    async def scan(self, request: Request, viewer: Viewer) -> Response:
        """Picks up the parcel of the scanned or typed number if it waits; else leads to its page."""
        values = await read_form(request)
        number = values.get("number", "").strip()[:CODE_LENGTH]
        if not number:
            return see_other(RUN)
        found = (await self._site.query(viewer, "courier/scanned", {"number": number}))["shipmentOfTrackingNumber"]
        if found is None:
            return see_other(f"{RUN}?notice={UNKNOWN}")
        if found["viewerCanDispatch"]:
            variables = {"id": found["id"]}
            _, refusals = await self._site.mutate(viewer, "courier/dispatch", variables, key=values.get("key"))
            if not refusals.errors:
                return see_other(f"{RUN}?notice=scanned")
        return see_other(f"{RUN}/shipments/{found['id']}")

    @form(f"{RUN}/pickup", needs=FulfilmentPermission.DISPATCH)
    async def pick_up(self, request: Request, viewer: Viewer) -> Response:
        """Each shipment by a command of its own, so that one refusal stops no other.

        Its key is the form's and the shipment's: what is sent again takes effect once, also after half of it was done.
        """
        values = await read_form(request)
        ids = list(dict.fromkeys(values.get("shipments", "").split()))
        if not 1 <= len(ids) <= PAGE:
            raise PageRefused(422, wording("Pick up from 1 to {number} parcels at once.", number=PAGE))
        key, refused = values.get("key"), []
        for each in ids:
            own_key = f"{key} {each}" if key else None
            _, refusals = await self._site.mutate(viewer, "courier/dispatch", {"id": each}, key=own_key)
            if refusals.errors:
                refused.append((await self._site.query(viewer, "courier/show", {"id": each}))["shipment"])
        if refused:
            done = len(ids) - len(refused)
            return self._site.render(
                request, viewer, "courier/picked_up", status=422, path=RUN, refused=refused, done=done, all=len(ids)
            )
        return see_other(f"{RUN}?notice=picked-up")


def _filter(part: str, warehouse: str | None) -> dict[str, Any]:
    """The API's ShipmentFilter for a part of the run."""
    only: dict[str, Any] = {"status": sorted(PARTS[part][1]), "warehouseCode": warehouse}
    if part == DONE:
        only["deliveredFrom"] = (datetime.now(UTC) - DONE_WITHIN).isoformat()
    return only


def _address(part: str, warehouse: str | None, after: str | None = None) -> str:
    query = {"part": part, "warehouse": warehouse, "after": after}
    return f"{RUN}?" + urlencode({name: value for name, value in query.items() if value})


def _counts(counted: Iterable[Mapping[str, Any]]) -> dict[str, int]:
    """The number of shipments in each part, at most MAX_COUNTED."""
    by_status = {each["status"]: each["count"] for each in counted}
    sums = {part: sum(by_status[status] for status in statuses) for part, (_, statuses) in PARTS.items()}
    return {part: min(count, MAX_COUNTED) for part, count in sums.items()}


def _first(counts: Mapping[str, int]) -> str:
    """The part to begin with: load all first, then go from stop to stop."""
    return UNDER_WAY if counts[UNDER_WAY] and not counts[TO_LOAD] else TO_LOAD


def _tabs(counts: Mapping[str, int], part: str, warehouse: str | None) -> Iterator[Tab]:
    for each, (name, _) in PARTS.items():
        yield Tab(name, counts[each], _address(each, warehouse), each == part)


def _loads(shipments: Iterable[Mapping[str, Any]]) -> Iterator[Load]:
    """By warehouse, by name; within each in the order given."""
    by_warehouse = sorted(shipments, key=lambda each: (each["warehouse"]["name"], each["warehouse"]["code"]))
    for _, group in groupby(by_warehouse, key=lambda each: each["warehouse"]["code"]):
        waiting = list(group)
        ids = [each["id"] for each in waiting if each["viewerCanDispatch"]]
        yield Load(waiting[0]["warehouse"]["name"], waiting, ids)


def _place(now: datetime, shipment: Mapping[str, Any]) -> tuple[Any, ...]:
    """Sorts stops so that neighbours follow each other: postal codes near each other are places near each other.

    What was attempted on this run comes last: it is for the next one.
    """
    attempted_at = shipment["attemptedAt"]
    is_tried = attempted_at is not None and now - datetime.fromisoformat(attempted_at) < A_RUN
    address = shipment["order"]["shippingAddress"] or {}
    return is_tried, *(address.get(part) or "" for part in ("country", "postalCode", "city", "line1")), shipment["id"]


def _warehouses(listed: Iterable[Mapping[str, Any]], chosen: str | None) -> dict[str, str]:
    """Names by code, sorted by name; includes the chosen one even if it is not listed."""
    known = {warehouse["code"]: warehouse["name"] for warehouse in listed}
    if chosen:
        known.setdefault(chosen, chosen)
    return dict(sorted(known.items(), key=lambda entry: entry[1]))
