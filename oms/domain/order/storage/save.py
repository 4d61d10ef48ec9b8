"""Saving orders: the aggregate's own rows, the events, and what follows from the change in other concepts."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Any, Final
from uuid import UUID

import orjson

from oms.domain.order.events import SHIPMENT_PART
from oms.domain.order.model import Order
from oms.domain.order.shipment import Shipment
from oms.domain.order.storage import effects, references
from oms.domain.order.storage.effects import Snapshot
from oms.domain.order.storage.rows import LINE_COLUMNS, ORDER_COLUMNS, line_values, order_row, shipment_row, unnested
from oms.domain.order.storage.tables import allocations, order_events, order_lines, orders, shipments
from oms.domain.vocabulary.events import Event
from oms.domain.work import store as work_store
from oms.platform.db import Statement, Tx, columns

_EVENT_COLUMNS: Final = [column for column in order_events.c if column.name != "transaction"]
_EVENTS: Final = tuple(f"e_{column.name}" for column in _EVENT_COLUMNS)
_INSERT_EVENTS: Final = f"""
    INSERT INTO order_events ({", ".join(column.name for column in _EVENT_COLUMNS)})
    SELECT * FROM {unnested(_EVENT_COLUMNS, "e_")}
"""  # noqa: S608 - names of columns

_LINES: Final = tuple(f"l_{name}" for name in ("order_id", *LINE_COLUMNS))
_ADD: Final = Statement(
    f"""
    WITH placed AS (
        INSERT INTO orders ({", ".join(ORDER_COLUMNS)})
        SELECT * FROM {unnested([orders.c[name] for name in ORDER_COLUMNS])}),
    lines AS (
        INSERT INTO order_lines (order_id, {", ".join(LINE_COLUMNS)})
        SELECT * FROM {unnested([order_lines.c[name] for name in ("order_id", *LINE_COLUMNS)], "l_")})
    {_INSERT_EVENTS}
    """  # noqa: S608 - names of columns
)


async def add(tx: Tx, new: Collection[Order], content_hashes: Mapping[UUID, bytes]) -> set[UUID]:
    """Inserts new orders with lines, events, work and effects; returns the ids of those whose reference was free."""
    free = await references.take(tx, new, content_hashes)
    added = [order for order in new if order.id in free]
    if added:
        lines = [(order.id, *line_values(line)) for order in added for line in order.lines]
        rows = columns(ORDER_COLUMNS, [order_row(order) for order in added])
        await tx.run(_ADD, **rows, **columns(_LINES, lines), **columns(_EVENTS, _event_rows(added)))
        _forget_events(tx, added)
        before, now = [effects.before_placing()] * len(added), [Snapshot.of(order) for order in added]
        await effects.apply(tx, added, before, now)
        await work_store.adjust(tx, [was.work for was in before], [snapshot.work for snapshot in now])
    return free


async def save(tx: Tx, changed: Sequence[Order], before: Sequence[Snapshot]) -> list[Snapshot]:
    """Writes locked orders with new events; returns their new snapshots."""
    now = [Snapshot.of(order) for order in changed]
    await effects.apply(tx, changed, before, now)
    await _write_shipments(tx, changed, before)
    await _write_orders(tx, changed)
    await work_store.adjust(tx, [was.work for was in before], [snapshot.work for snapshot in now])
    return now


_CHANGING: Final = ("id", "status", "closed_at", "action_deadline", "last_seq")
_SAVE: Final = Statement(
    f"""
    WITH saved AS (
        UPDATE orders SET {", ".join(f"{name} = o.{name}" for name in _CHANGING[1:])}
        FROM {unnested([orders.c[name] for name in _CHANGING])} AS o({", ".join(_CHANGING)})
        WHERE orders.id = o.id)
    {_INSERT_EVENTS}
    """  # noqa: S608 - names of columns
)
_SHORTAGE: Final = Statement(
    """
    UPDATE order_lines SET unavailable = t.unavailable
    FROM unnest(CAST(:orders AS uuid[]), CAST(:numbers AS int[]), CAST(:unavailable AS int[]))
        AS t(order_id, number, unavailable)
    WHERE order_lines.order_id = t.order_id AND order_lines.number = t.number
    """
)


async def _write_orders(tx: Tx, changed: Sequence[Order]) -> None:
    rows = [(o.id, str(o.status), o.closed_at, o.action_deadline, o.last_seq) for o in changed]
    await tx.run(_SAVE, **columns(_CHANGING, rows), **columns(_EVENTS, _event_rows(changed)))
    short = [(order.id, line.number, line.unavailable) for order in changed for line in order.lines if line.unavailable]
    if short:
        await tx.run(_SHORTAGE, **columns(("orders", "numbers", "unavailable"), short))
    _forget_events(tx, changed)


def _event_rows(changed: Iterable[Order]) -> list[Sequence[Any]]:
    """The new events, in the order of _EVENTS."""
    return [_event_row(order.id, event) for order in changed for event in order.new_events]


def _event_row(order_id: UUID, event: Event) -> Sequence[Any]:
    return (
        order_id,
        event.seq,
        event.at,
        str(event.type),
        event.by.name,
        event.by.role and str(event.by.role),
        event.reason,
        event.subject,
        orjson.dumps(event.data).decode(),
    )


def _forget_events(tx: Tx, written: Iterable[Order]) -> None:
    """The events are no longer new; live viewers are notified after the commit."""
    for order in written:
        order.new_events.clear()
        tx.changes.subjects.add(order.id)


_OPENED: Final = ("order_id", "number", "warehouse_code", "status", "updated_at", "payment_status")
_HELD: Final = tuple(f"h_{column.name}" for column in allocations.c)
_ADD_SHIPMENTS: Final = Statement(
    f"""
    WITH opened AS (
        INSERT INTO shipments ({", ".join(_OPENED)}, booking_open, charged_minor, refunded_minor)
        SELECT t.*, false, 0, 0 FROM {unnested([shipments.c[name] for name in _OPENED])} AS t)
    INSERT INTO allocations ({", ".join(column.name for column in allocations.c)})
    SELECT * FROM {unnested(allocations.c, "h_")}
    """  # noqa: S608 - names of columns
)
_KEPT: Final = [column for column in shipments.c if column.name != "warehouse_code"]
_UPDATED: Final = [column.name for column in _KEPT if not column.primary_key]
_UPDATE_SHIPMENTS: Final = Statement(
    f"""
    UPDATE shipments SET {", ".join(f"{name} = t.{name}" for name in _UPDATED)}
    FROM {unnested(_KEPT)} AS t({", ".join(column.name for column in _KEPT)})
    WHERE shipments.order_id = t.order_id AND shipments.number = t.number
    """  # noqa: S608 - names of columns
)


async def _write_shipments(tx: Tx, changed: Collection[Order], before: Collection[Snapshot]) -> None:
    """Inserts those that allocation opened, and updates those that the new events concern."""
    new: list[Shipment] = []
    touched: list[Shipment] = []
    for order, was in zip(changed, before, strict=True):
        named = {event.number_of(SHIPMENT_PART) for event in order.new_events}
        new += order.shipments[was.shipments :]
        touched += [shipment for shipment in order.shipments[: was.shipments] if shipment.number in named]
    if new:
        opened = [
            (s.order_id, s.number, s.warehouse_code, str(s.status), s.updated_at, str(s.payment.status)) for s in new
        ]
        held = [
            (shipment.order_id, shipment.number, item.line, item.sku, item.quantity, item.unit_price_minor)
            for shipment in new
            for item in shipment.items
        ]
        await tx.run(_ADD_SHIPMENTS, **columns(_OPENED, opened), **columns(_HELD, held))
    if touched:
        names = [column.name for column in _KEPT]
        await tx.run(_UPDATE_SHIPMENTS, **columns(names, [shipment_row(shipment) for shipment in touched]))


_KEEP_REASON: Final = Statement("UPDATE orders SET cancel_reason = :reason WHERE id = :id")


async def keep_cancel_reason(tx: Tx, order_id: UUID, reason: str) -> None:
    """Stores the customer's own words where they can be erased. The caller holds the order's lock."""
    await tx.run(_KEEP_REASON, id=order_id, reason=reason)
