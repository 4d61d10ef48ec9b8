"""Reading shipments: single ones, those of orders, their items, and pages, as far as the viewer may see."""

from collections import defaultdict
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from oms.domain.access.permissions import Viewer, reach, require
from oms.domain.catalog.model import Warehouse
from oms.domain.order.policy import OrderPermission
from oms.domain.order.shipment import COURIER_SEES, WITH_COURIER, Item, Shipment, ShipmentKey, ShipmentStatus
from oms.domain.order.storage.rows import ITEM_COLUMNS, SHIPMENT_COLUMNS, shipment_of
from oms.domain.order_queries.row_filters import EVERYTHING, RowFilter, row_filter_of
from oms.domain.vocabulary.errors import refuse_all
from oms.domain.vocabulary.ids import parse_shipment
from oms.domain.vocabulary.paging import Page, bad_cursor, bounded, check_first, cursor_of, key_of
from oms.domain.vocabulary.permission import Reach
from oms.domain.vocabulary.texts.checks import CODE_LENGTH, check_text
from oms.platform.db import Database, Row, Statement, statement


@dataclass(frozen=True, slots=True)
class SeenShipment:
    """A shipment without its items, the warehouse it leaves from, and its order's currency."""

    shipment: Shipment
    warehouse: Warehouse
    currency: str

    @property
    def key(self) -> ShipmentKey:
        return self.shipment.key

    @property
    def cursor(self) -> str:
        return cursor_of(f"{self.shipment.order_id.hex}_{self.shipment.number}")


WAREHOUSE: Final = "LEFT JOIN warehouses w ON w.code = s.warehouse_code"
COLUMNS: Final = f"{SHIPMENT_COLUMNS}, w.name"
"""Of a shipment `s` with its WAREHOUSE, as seen() expects them."""

_SELECT: Final = f"SELECT {COLUMNS}, p.currency"
_ABOUT: Final = f"{WAREHOUSE} JOIN orders p ON p.id = s.order_id"
_OF: Final = f"{_SELECT} FROM shipments s {_ABOUT} WHERE "
_KEYED: Final = f"""
    {_SELECT} FROM unnest(CAST(:orders AS uuid[]), CAST(:numbers AS int[])) AS k(order_id, number)
    JOIN shipments s USING (order_id, number) {_ABOUT} WHERE
"""


async def of_orders(db: Database, viewer: Viewer, ids: Collection[UUID]) -> dict[UUID, list[SeenShipment]]:
    """Of orders that the viewer may see, the shipments that they may see, in the order of their numbers."""
    row_filter = row_filter_of(viewer)
    query = (
        f"{_OF} s.order_id = ANY(CAST(:ids AS uuid[])) AND {row_filter.shipments_of_seen} ORDER BY s.order_id, s.number"
    )
    shipments: dict[UUID, list[SeenShipment]] = defaultdict(list)
    for found in await _rows(db, query, row_filter, ids=list(ids)):
        shipments[found.shipment.order_id].append(found)
    return shipments


async def of_keys(db: Database, viewer: Viewer, keys: Collection[ShipmentKey]) -> dict[ShipmentKey, SeenShipment]:
    """By key, those that exist and that the viewer may see."""
    return await _of_keys(db, row_filter_of(viewer), keys)


async def of_tracking_number(db: Database, viewer: Viewer, number: str) -> SeenShipment | None:
    """The newest that the viewer may see of those with this number, also if it was typed in small letters.

    Raises Refused(INVALID).
    """
    refuse_all(check_text(number, "trackingNumber", max_length=CODE_LENGTH))
    row_filter = row_filter_of(viewer)
    query = f"""
        {_OF} s.tracking_number = ANY(CAST(:tracking_numbers AS text[])) AND {row_filter.shipments}
        ORDER BY s.order_id DESC, s.number DESC LIMIT 1
    """
    found = await _rows(db, query, row_filter, tracking_numbers=[number, number.upper()])
    return found[0] if found else None


async def just_changed(db: Database, key: ShipmentKey) -> SeenShipment | None:
    """The shipment of the viewer's own command, whose outcome they may see."""
    return (await _of_keys(db, EVERYTHING, [key])).get(key)


async def _of_keys(
    db: Database, row_filter: RowFilter, keys: Collection[ShipmentKey]
) -> dict[ShipmentKey, SeenShipment]:
    values: dict[str, Any] = {"orders": [order_id for order_id, _ in keys], "numbers": [number for _, number in keys]}
    return {found.key: found for found in await _rows(db, f"{_KEYED} {row_filter.shipments}", row_filter, **values)}


async def _rows(db: Database, query: str, row_filter: RowFilter, **values: Any) -> list[SeenShipment]:
    rows = await db.rows(statement(query), **row_filter.values, **values)
    return [seen(row[:-1], row[-1]) for row in rows]


def seen(values: Row, currency: str) -> SeenShipment:
    """From values in the order of COLUMNS."""
    shipment = shipment_of(values[:-1], ())
    code = shipment.warehouse_code
    return SeenShipment(shipment, Warehouse(code, values[-1] or code), currency)


_ITEMS: Final = Statement(
    f"""
    SELECT order_id, shipment, {", ".join(ITEM_COLUMNS)}
    FROM unnest(CAST(:orders AS uuid[]), CAST(:numbers AS int[])) AS k(order_id, shipment)
    JOIN allocations USING (order_id, shipment) ORDER BY order_id, shipment, line
    """  # noqa: S608 - names of columns
)


async def items_of(db: Database, keys: Collection[ShipmentKey]) -> dict[ShipmentKey, list[Item]]:
    """Items by shipment, in the order of their lines."""
    items: dict[ShipmentKey, list[Item]] = defaultdict(list)
    values = {"orders": [order_id for order_id, _ in keys], "numbers": [number for _, number in keys]}
    for order_id, number, *item in await db.rows(_ITEMS, **values):
        items[order_id, number].append(Item(*item))
    return items


@dataclass(frozen=True, slots=True)
class ShipmentQuery:
    """Which shipments; None: any."""

    statuses: frozenset[ShipmentStatus] | None = None
    warehouse_code: str | None = None
    delivered_from: datetime | None = None

    def concerns(self, seen: SeenShipment) -> bool:
        """Whether it matches, whatever its status."""
        if self.warehouse_code not in (None, seen.warehouse.code):
            return False
        delivered_at = seen.shipment.delivered_at
        return self.delivered_from is None or (delivered_at is not None and delivered_at >= self.delivered_from)


def check_query(query_filter: ShipmentQuery) -> None:
    """Raises Refused(INVALID)."""
    if query_filter.warehouse_code is not None:
        refuse_all(check_text(query_filter.warehouse_code, "filter", "warehouseCode", max_length=CODE_LENGTH))


async def page(
    db: Database, viewer: Viewer, query_filter: ShipmentQuery, *, first: int, after: str | None
) -> Page[SeenShipment]:
    """Newest order first, its last shipment first. Raises Refused: FORBIDDEN, or INVALID."""
    require(viewer, OrderPermission.READ_SHIPMENTS)
    check_query(query_filter)
    row_filter = row_filter_of(viewer)
    values = dict(_values(viewer, query_filter, after))
    limit = check_first(first) + 1
    names = [name for name in values if name in _CONDITIONS]
    if reach(viewer, OrderPermission.READ_SHIPMENTS) == Reach.OWN:
        return Page.of(
            await _rows(db, bounded(_page_of_customer(row_filter, names), limit), row_filter, **values), first
        )
    form = _form(names)
    if _may_be_old(viewer, values):
        values["statuses"] = sorted(set(values["statuses"]) & _WITH_COURIER)
        form = _CARRIED
    others = [_CONDITIONS[name] for name in names]
    visible = row_filter.with_courier if set(values.get("statuses", ("",))) <= _WITH_COURIER else row_filter.shipments
    query = form.format(
        conditions=" AND ".join((visible, *others)),
        of_delivered=" AND ".join((row_filter.shipments, *(_CONDITIONS[name] for name in names if name != "statuses"))),
        below=_CONDITIONS["after_order"] if after is not None else "true",
    )
    return Page.of(await _rows(db, bounded(query, limit), row_filter, **values), first)


_WITH_COURIER: Final = frozenset(map(str, WITH_COURIER))


def _may_be_old(viewer: Viewer, values: Mapping[str, Any]) -> bool:
    """Whether a courier's list could contain what was delivered too long ago."""
    wanted = values.get("statuses", ())
    return bool(viewer.carries.ended_days and ShipmentStatus.DELIVERED in wanted and "delivered_from" not in values)


_NEWEST: Final = "ORDER BY s.order_id DESC, s.number DESC LIMIT :limit"
_CONDITIONS: Final = {
    "after_order": "(s.order_id, s.number) < (:after_order, :after_number)",
    "warehouse_code": "s.warehouse_code = :warehouse_code",
    "delivered_from": "s.delivered_at >= :delivered_from",
    "statuses": "s.status = ANY(CAST(:statuses AS text[]))",
}
# The index on (status, order, number) gives the newest of each status.
_BY_STATUS: Final = f"""
    {_SELECT} FROM unnest(CAST(:statuses AS text[])) AS requested(status) CROSS JOIN LATERAL (
        SELECT * FROM shipments s WHERE s.status = requested.status AND {{conditions}} {_NEWEST}
    ) s {_ABOUT} {_NEWEST}
"""  # noqa: S608 - conditions are written here, values are bound

# The index on delivered_at serves these. Without OFFSET 0, the planner may scan all of a status, or all that were ever
# delivered, newest first, until the page is full.
_DELIVERED: Final = f"""
    {_SELECT} FROM (SELECT * FROM shipments s WHERE s.delivered_at >= :delivered_from OFFSET 0) s {_ABOUT}
    WHERE {{conditions}} {_NEWEST}
"""  # noqa: S608 - as above


MAX_EXAMINED: Final = 10_000
"""Delivered shipments that a courier's list looks through: in an idle shop, none of millions was delivered lately."""

# Those with couriers by status, and of the newest that were delivered those delivered lately.
_CARRIED: Final = f"""
    {_SELECT} FROM (
        (SELECT s.* FROM unnest(CAST(:statuses AS text[])) AS requested(status) CROSS JOIN LATERAL (
            SELECT * FROM shipments s WHERE s.status = requested.status AND {{conditions}} {_NEWEST}) s)
        UNION ALL
        (SELECT * FROM (
             SELECT * FROM shipments s WHERE s.status = '{ShipmentStatus.DELIVERED}' AND {{below}}
             {_NEWEST.replace(":limit", str(MAX_EXAMINED))}) s
         WHERE {{of_delivered}} {_NEWEST})
    ) s {_ABOUT} {_NEWEST}
"""  # noqa: S608 - as above


def _form(names: Collection[str]) -> str:
    if "delivered_from" in names:
        return _DELIVERED
    return _BY_STATUS if "statuses" in names else f"{_OF} {{conditions}} {_NEWEST}"


def _page_of_customer(row_filter: RowFilter, names: Collection[str]) -> str:
    """From the customer's orders, which are few, to their shipments."""
    conditions = " AND ".join((row_filter.orders, *(_CONDITIONS[name] for name in names)))
    return f"""
        {_SELECT} FROM orders o JOIN shipments s ON s.order_id = o.id {_ABOUT} WHERE {conditions}
        ORDER BY o.id DESC, s.number DESC LIMIT :limit
    """


def _values(viewer: Viewer, query_filter: ShipmentQuery, after: str | None) -> Iterator[tuple[str, Any]]:
    statuses = query_filter.statuses
    if reach(viewer, OrderPermission.READ_SHIPMENTS) == Reach.CARRIED:
        statuses = COURIER_SEES if statuses is None else statuses & COURIER_SEES
    if statuses is not None:
        yield "statuses", sorted(map(str, statuses))
    if query_filter.warehouse_code is not None:
        yield "warehouse_code", query_filter.warehouse_code
    if query_filter.delivered_from is not None:
        yield "delivered_from", query_filter.delivered_from
    if after is not None:
        order_id, number = _key_in(after)
        yield from (("after_order", order_id), ("after_number", number))


def _key_in(cursor: str) -> ShipmentKey:
    key = parse_shipment(f"shp_{key_of(cursor)}")
    if key is None:
        raise bad_cursor()
    return key
