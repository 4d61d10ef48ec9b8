"""Orders in PostgreSQL: locked and loaded as one, saved with everything that follows from the change."""

import json
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from sqlalchemy import (
    BigInteger,
    Column,
    DateTime,
    Index,
    Integer,
    LargeBinary,
    Table,
    Text,
    Uuid,
    bindparam,
    insert,
    text,
    update,
)
from sqlalchemy.dialects.postgresql import JSONB

from oms.db import Tx, metadata
from oms.domain.events import Event
from oms.domain.fraud import store as fraud_store
from oms.domain.orders.model import Line, Order, OrderStatus
from oms.domain.orders.standing import Standing, stock_moves, tally_moves
from oms.domain.shipments import store as shipment_store
from oms.domain.stock import store as stock_store
from oms.domain.work import store as work_store
from oms.domain.work.model import wanted

orders: Final = Table(
    "orders",
    metadata,
    Column("id", Uuid, primary_key=True),
    Column("reference", Text(collation="C"), nullable=False, unique=True),
    Column("customer_id", Uuid, nullable=False),
    Column("status", Text, nullable=False),
    Column("currency", Text, nullable=False),
    Column("payment_method", Text, nullable=False),
    Column("email", Text),
    Column("shipping_address", JSONB(none_as_null=True)),
    Column("content_hash", LargeBinary, nullable=False),
    Column("cancel_reason", Text),  # as the customer wrote it: their trail, which is for ever, does not hold it
    Column("placed_at", DateTime(timezone=True), nullable=False),
    Column("closed_at", DateTime(timezone=True)),
    Column("action_deadline", DateTime(timezone=True)),
    Column("last_seq", Integer, nullable=False),
    Index(None, "customer_id", "id"),
    Index(None, "status", "id"),
    Index(None, "closed_at", postgresql_where=text("closed_at IS NOT NULL")),
)

order_lines: Final = Table(
    "order_lines",
    metadata,
    Column("order_id", Uuid, primary_key=True),
    Column("number", Integer, primary_key=True),
    Column("sku", Text(collation="C"), nullable=False),
    Column("quantity", Integer, nullable=False),
    Column("unit_price_minor", BigInteger, nullable=False),
    Column("unavailable", Integer, nullable=False, server_default=text("0")),
    Index(None, "sku", "order_id"),
)

order_events: Final = Table(
    "order_events",
    metadata,
    Column("order_id", Uuid, primary_key=True),
    Column("seq", Integer, primary_key=True),
    Column("at", DateTime(timezone=True), nullable=False),
    Column("type", Text, nullable=False),
    Column("actor", Text, nullable=False),
    Column("actor_role", Text),
    Column("reason", Text),
    Column("shipment", Integer),
    Column("data", JSONB, nullable=False),
    # Which transaction wrote it: readers over many orders stay behind those still open (see oms/web/live).
    Column("transaction", BigInteger, nullable=False, server_default=text("(pg_current_xact_id()::text::bigint)")),
    Index(None, "transaction"),
)

_LOCK: Final = text(
    """
    SELECT o.id, o.reference, o.customer_id, c.reference AS customer_reference, o.currency, o.payment_method,
           o.email, o.shipping_address, o.status, o.placed_at, o.closed_at, o.action_deadline, o.last_seq
    FROM orders o JOIN customers c ON c.id = o.customer_id
    WHERE o.id = ANY(CAST(:ids AS uuid[]))
    ORDER BY o.id FOR UPDATE OF o
    """
)
_PEEK: Final = text(_LOCK.text.replace("FOR UPDATE OF o", ""))
_LINES: Final = text(
    """
    SELECT order_id, number, sku, quantity, unit_price_minor, unavailable
    FROM order_lines WHERE order_id = ANY(CAST(:ids AS uuid[])) ORDER BY order_id, number
    """
)


@dataclass(slots=True)
class LockedOrders:
    """Orders that nobody else can change until the transaction ends. `at` is the clock after the locks were taken."""

    tx: Tx
    at: datetime
    orders: dict[UUID, Order]
    loaded_as: dict[UUID, Standing]

    def __iter__(self) -> Iterator[Order]:
        return iter(self.orders.values())

    def get(self, order_id: UUID) -> Order | None:
        return self.orders.get(order_id)

    async def save(self) -> None:
        """Writes what was recorded, and what follows from it: due work, stock and tallies.

        Locks are taken in one order, here as everywhere: orders, tallies, stock, work.
        """
        changed = [order for order in self if order.news]
        if not changed:
            return
        before = [self.loaded_as[order.id] for order in changed]
        now = [Standing.of(order) for order in changed]
        await fraud_store.move_tallies(self.tx, tally_moves(changed, before, now))
        await stock_store.move(self.tx, stock_moves(changed, before, now))
        await _update(self.tx, changed)
        await _write_shipments(self.tx, changed, before)
        await _write_events(self.tx, changed)
        self.loaded_as |= {order.id: standing for order, standing in zip(changed, now, strict=True)}
        await work_store.adjust(self.tx, [b.work for b in before], [n.work for n in now])


async def lock(tx: Tx, ids: Collection[UUID], *, lines: bool = False, items: bool = False) -> LockedOrders:
    """Locks and loads those that exist, in the order of their ids; lines and items only where they are asked for."""
    found = await _load(tx, _LOCK, ids, lines=lines, items=items)
    return LockedOrders(tx, await tx.clock(), found, {order.id: Standing.of(order) for order in found.values()})


async def peek(tx: Tx, ids: Collection[UUID], *, items: bool = False) -> dict[UUID, Order]:
    """Loads without locking: to prepare calls to others, whose results are recorded under a lock later."""
    return await _load(tx, _PEEK, ids, lines=False, items=items)


async def _load(tx: Tx, query: Any, ids: Collection[UUID], *, lines: bool, items: bool) -> dict[UUID, Order]:
    key = {"ids": sorted(ids)}
    rows = (await tx.conn.execute(query, key)).mappings()
    found = {row["id"]: Order(**{**row, "status": OrderStatus(row["status"])}) for row in rows}
    if lines:
        for order_id, *line in await tx.conn.execute(_LINES, key):
            found[order_id].lines.append(Line(*line))
    for shipment in await shipment_store.of_orders(tx, key["ids"], items=items):
        found[shipment.order_id].shipments.append(shipment)
    return found


async def add(tx: Tx, new: Collection[Order], content_hashes: dict[UUID, bytes]) -> set[UUID]:
    """Inserts new orders with lines, events and work; returns the ids of those whose reference was still free."""
    free = await _insert_free(tx, new, content_hashes)
    added = [order for order in new if order.id in free]
    if not added:
        return free
    lines = [
        {"order_id": order.id, "number": line.number, "sku": line.sku}
        | {"quantity": line.quantity, "unit_price_minor": line.unit_price_minor}
        for order in added
        for line in order.lines
    ]
    await tx.conn.execute(insert(order_lines), lines)
    await _write_events(tx, added)
    await work_store.adjust(tx, [{} for _ in added], [wanted(order) for order in added])
    return free


_INSERT_FREE: Final = text(
    """
    INSERT INTO orders (id, reference, customer_id, status, currency, payment_method, email, shipping_address,
                        content_hash, placed_at, last_seq)
    SELECT id, reference, customer_id, status, currency, payment_method, email, CAST(address AS jsonb),
           content_hash, placed_at, last_seq
    FROM unnest(
        CAST(:id AS uuid[]), CAST(:reference AS text[]), CAST(:customer_id AS uuid[]), CAST(:status AS text[]),
        CAST(:currency AS text[]), CAST(:payment_method AS text[]), CAST(:email AS text[]),
        CAST(:address AS text[]), CAST(:content_hash AS bytea[]), CAST(:placed_at AS timestamptz[]),
        CAST(:last_seq AS int[]))
        AS t(id, reference, customer_id, status, currency, payment_method, email, address, content_hash,
             placed_at, last_seq)
    ON CONFLICT (reference) DO NOTHING RETURNING id
    """
)
_SAME_COLUMNS: Final = (
    "id", "reference", "customer_id", "currency", "payment_method", "email", "placed_at", "last_seq",
)  # fmt: skip


async def _insert_free(tx: Tx, new: Collection[Order], content_hashes: dict[UUID, bytes]) -> set[UUID]:
    """In the order of references, so that two batches that share some wait for each other and never deadlock."""
    ordered = sorted(new, key=lambda order: order.reference)
    columns: dict[str, list[Any]] = {name: [getattr(order, name) for order in ordered] for name in _SAME_COLUMNS}
    columns["status"] = [str(order.status) for order in ordered]
    columns["address"] = [json.dumps(order.shipping_address) if order.shipping_address else None for order in ordered]
    columns["content_hash"] = [content_hashes[order.id] for order in ordered]
    return set((await tx.conn.execute(_INSERT_FREE, columns)).scalars())


_UPDATE: Final = (
    update(orders)
    .where(orders.c.id == bindparam("k_id"))
    .values({name: bindparam(name) for name in ("status", "closed_at", "action_deadline", "last_seq")})
)
_SHORTAGE: Final = (
    update(order_lines)
    .where(order_lines.c.order_id == bindparam("k_id"), order_lines.c.number == bindparam("k_number"))
    .values(unavailable=bindparam("unavailable"))
)


async def _update(tx: Tx, changed: Collection[Order]) -> None:
    await tx.conn.execute(
        _UPDATE,
        [
            {"k_id": order.id, "status": str(order.status), "closed_at": order.closed_at}
            | {"action_deadline": order.action_deadline, "last_seq": order.last_seq}
            for order in changed
        ],
    )
    short = [
        {"k_id": order.id, "k_number": line.number, "unavailable": line.unavailable}
        for order in changed
        for line in order.lines
        if line.unavailable
    ]
    if short:
        await tx.conn.execute(_SHORTAGE, short)


async def _write_shipments(tx: Tx, changed: Collection[Order], before: Collection[Standing]) -> None:
    new, touched = [], []
    for order, standing in zip(changed, before, strict=True):
        named = {event.shipment for event in order.news}
        for shipment in order.shipments:
            if shipment.number not in standing.claims:
                new.append(shipment)
            elif shipment.number in named:
                touched.append(shipment)
    await shipment_store.add(tx, new)
    await shipment_store.change(tx, touched)


async def _write_events(tx: Tx, changed: Collection[Order]) -> None:
    """Writes the news and forgets it; its readers are told after the commit."""
    await tx.conn.execute(
        insert(order_events), [_event_row(order.id, event) for order in changed for event in order.news]
    )
    for order in changed:
        order.news.clear()
        tx.news.orders.add(order.id)


def _event_row(order_id: UUID, event: Event) -> dict[str, Any]:
    return {
        "order_id": order_id,
        "seq": event.seq,
        "at": event.at,
        "type": str(event.type),
        "actor": event.by.name,
        "actor_role": event.by.role and str(event.by.role),
        "reason": event.reason,
        "shipment": event.shipment,
        "data": event.data,
    }


_SAY_WHY: Final = update(orders).where(orders.c.id == bindparam("k_id")).values(cancel_reason=bindparam("why"))


async def keep_cancel_reason(tx: Tx, order_id: UUID, why: str) -> None:
    """In the customer's own words, where they can be erased; the caller holds the order's lock."""
    await tx.conn.execute(_SAY_WHY, {"k_id": order_id, "why": why})


_BY_REFERENCE: Final = text(
    "SELECT reference, id, content_hash FROM orders WHERE reference = ANY(CAST(:references AS text[]))"
)


async def placed_before(tx: Tx, references: Collection[str]) -> dict[str, tuple[UUID, bytes]]:
    """Those of the references that are taken: the order's id and the hash of what was asked for."""
    found = await tx.conn.execute(_BY_REFERENCE, {"references": list(references)})
    return {reference: (order_id, digest) for reference, order_id, digest in found}
