"""Loading orders: locked, to decide about them, or without a lock, to prepare calls to other systems."""

from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final
from uuid import UUID

import asyncpg

from oms.domain.order.model import Line, Order
from oms.domain.order.shipment import Item, Shipment, ShipmentKey
from oms.domain.order.storage import save
from oms.domain.order.storage.effects import Snapshot
from oms.domain.order.storage.rows import ITEM_COLUMNS, LINES, ORDER_COLUMNS, SHIPMENT_COLUMNS, order_of, shipment_of
from oms.domain.work.model import WorkKey
from oms.platform.db import Database, Statement, Tx

# The clock is read for each row after the inner query locked it: at the last row's instant, all are locked.
_LOCK: Final = Statement(
    f"""
    WITH locked AS MATERIALIZED (
        SELECT {", ".join(ORDER_COLUMNS)} FROM orders WHERE id = ANY(CAST(:ids AS uuid[])) ORDER BY id FOR UPDATE)
    SELECT *, clock_timestamp() AS at,
           (SELECT e.at FROM order_events e WHERE e.order_id = locked.id AND e.seq = locked.last_seq) AS last_event_at
    FROM locked
    """  # noqa: S608 - names of columns
)
_LAST_EVENTS: Final = Statement("SELECT max(at) FROM order_events WHERE order_id = ANY(CAST(:ids AS uuid[]))")
_PEEK: Final = Statement(
    f"SELECT {', '.join(ORDER_COLUMNS)} FROM orders WHERE id = ANY(CAST(:ids AS uuid[])) ORDER BY id"  # noqa: S608 - names of columns
)
_LINES: Final = Statement(LINES)
_SHIPMENTS: Final = Statement(
    f"SELECT {SHIPMENT_COLUMNS} FROM shipments s WHERE order_id = ANY(CAST(:ids AS uuid[])) ORDER BY order_id, number"  # noqa: S608 - names of columns
)
_ITEMS: Final = Statement(
    f"""
    SELECT order_id, shipment, {", ".join(ITEM_COLUMNS)}
    FROM allocations WHERE order_id = ANY(CAST(:ids AS uuid[])) ORDER BY order_id, shipment, line
    """  # noqa: S608 - names of columns
)


@dataclass(slots=True)
class LockedOrders:
    """Orders that nobody else can change until the transaction ends.

    `at`: the clock after they were locked, or their last event's instant if that is later.
    """

    tx: Tx
    at: datetime
    orders: dict[UUID, Order]
    saved_as: dict[UUID, Snapshot]

    def __iter__(self) -> Iterator[Order]:
        return iter(self.orders.values())

    def get(self, order_id: UUID) -> Order | None:
        return self.orders.get(order_id)

    def shipment(self, key: ShipmentKey) -> tuple[Order, Shipment] | None:
        order = self.orders.get(key[0])
        shipment = order.shipment(key[1]) if order else None
        return (order, shipment) if order and shipment else None

    def still_due(self, keys: Iterable[WorkKey]) -> list[WorkKey]:
        """Those of the items that are still due, according to the orders as they were last saved."""
        return [key for key in keys if key.subject_id in self.saved_as and key in self.saved_as[key.subject_id].work]

    async def save(self) -> None:
        """Writes the new events and everything that follows from them."""
        changed = [order for order in self if order.new_events]
        if changed:
            before = [self.saved_as[order.id] for order in changed]
            now = await save.save(self.tx, changed, before)
            self.saved_as |= {order.id: snapshot for order, snapshot in zip(changed, now, strict=True)}


async def lock(tx: Tx, ids: Collection[UUID], *, lines: bool = False, items: bool = False) -> LockedOrders:
    """Locks and loads the orders that exist, in the order of their ids; lines and items only if requested."""
    key = sorted(ids)
    rows = await tx.rows(_LOCK, ids=key)
    # The other tables are read after the lock was granted: a statement sees what was committed when it began.
    orders = await _with_shipments(tx, rows, key, lines=lines, items=items)
    at = await _at(tx, rows, key)
    return LockedOrders(tx, at, orders, {order.id: Snapshot.of(order) for order in orders.values()})


async def _at(tx: Tx, rows: Sequence[asyncpg.Record], ids: list[UUID]) -> datetime:
    """The clock after the orders were locked. If it was set back since their last event, that event's instant.

    So an order's events never go back in time.
    """
    if not rows:
        return await tx.clock()
    instants: list[datetime] = [instant for row in rows for instant in (row["at"], row["last_event_at"]) if instant]
    if len(instants) < 2 * len(rows):  # the last event was committed while the statement waited for the lock
        instants += [row[0] for row in await tx.rows(_LAST_EVENTS, ids=ids)]
    return max(instants)


async def peek(source: Tx | Database, ids: Collection[UUID], *, items: bool = False) -> dict[UUID, Order]:
    """Loads without locking. Results of calls that were prepared by it are recorded under a lock later."""
    key = sorted(ids)
    return await _with_shipments(source, await source.rows(_PEEK, ids=key), key, lines=False, items=items)


async def _with_shipments(
    source: Tx | Database, rows: Iterable[asyncpg.Record], ids: list[UUID], *, lines: bool, items: bool
) -> dict[UUID, Order]:
    """Orders with their shipments, by id."""
    orders = {row["id"]: order_of(row[: len(ORDER_COLUMNS)]) for row in rows}
    if lines:
        for order_id, *line in await source.rows(_LINES, ids=ids):
            orders[order_id].lines.append(Line(*line))
    held: dict[ShipmentKey, list[Item]] = {}
    if items:
        for order_id, number, *item in await source.rows(_ITEMS, ids=ids):
            held.setdefault((order_id, number), []).append(Item(*item))
    for row in await source.rows(_SHIPMENTS, ids=ids):
        orders[row[0]].shipments.append(shipment_of(row, tuple(held.get((row[0], row[1]), ()))))
    return orders
