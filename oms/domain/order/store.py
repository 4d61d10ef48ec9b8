"""Orders in PostgreSQL: locked and loaded as one, saved with everything that follows from the change."""

from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final
from uuid import UUID

import asyncpg
import orjson
from sqlalchemy import BigInteger, Column, DateTime, Index, Integer, LargeBinary, Table, Text, Uuid, text
from sqlalchemy.dialects.postgresql import JSONB

from oms.domain.fraud import store as fraud_store
from oms.domain.inventory import store as stock_store
from oms.domain.order import shipment_rows as shipment_store
from oms.domain.order.effects import Standing, stock_moves, tally_moves
from oms.domain.order.model import Line, Order, OrderStatus
from oms.domain.work import store as work_store
from oms.domain.work.model import WorkKey, wanted
from oms.platform.db import Database, Row, Statement, Tx, columns, metadata

orders: Final = Table(
    "orders",
    metadata,
    Column("id", Uuid, primary_key=True),
    Column("reference", Text(collation="C"), nullable=False),
    Column("customer_id", Uuid, nullable=False),
    Column("customer_reference", Text(collation="C"), nullable=False),  # as in customers: what is asked of each order
    Column("status", Text, nullable=False),
    Column("currency", Text, nullable=False),
    Column("payment_method", Text, nullable=False),
    Column("email", Text),
    Column("shipping_address", JSONB(none_as_null=True)),
    Column("cancel_reason", Text),  # as the customer wrote it: their trail, which is for ever, does not hold it
    Column("placed_at", DateTime(timezone=True), nullable=False),
    Column("closed_at", DateTime(timezone=True)),
    Column("action_deadline", DateTime(timezone=True)),
    Column("last_seq", Integer, nullable=False),
    Index(None, "customer_reference", "id"),
    Index(None, "status", "id"),
    Index(None, "closed_at", postgresql_where=text("closed_at IS NOT NULL")),
    # A row is written again six times, and mostly nothing changes that an index has: where the new version finds room
    # on the same page, no index is touched.
    postgresql_with={"fillfactor": 70},
)

# Which references are taken, each by one order: apart from the orders, so that on several servers each of both tables
# can lie where its own key says, and a reference is still taken once (docs/guides/scaling.md). Written with the order.
order_references: Final = Table(
    "order_references",
    metadata,
    Column("reference", Text(collation="C"), primary_key=True),
    Column("order_id", Uuid, nullable=False),
    Column("content_hash", LargeBinary, nullable=False),
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

# The lock comes first, and only then the clock is read: of each row as it leaves the inner query, so that the last one
# tells an instant at which all were locked.
_LOCK: Final = Statement(
    """
    WITH locked AS MATERIALIZED (
        SELECT id, reference, customer_id, customer_reference, currency, payment_method, email, shipping_address,
               status, placed_at, closed_at, action_deadline, last_seq
        FROM orders WHERE id = ANY(CAST(:ids AS uuid[])) ORDER BY id FOR UPDATE)
    SELECT *, clock_timestamp() AS at FROM locked
    """
)
_PEEK: Final = Statement(_LOCK.text.replace("FOR UPDATE", ""))
_LINES: Final = Statement(
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

    def still_call_for(self, keys: Iterable[WorkKey]) -> list[WorkKey]:
        """Those of the items that are wanted as the orders were saved last; the others left the table."""
        return [key for key in keys if key.order_id in self.loaded_as and key in self.loaded_as[key.order_id].work]

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
        await _write_shipments(self.tx, changed, before)
        await _write(self.tx, changed)
        self.loaded_as |= {order.id: standing for order, standing in zip(changed, now, strict=True)}
        await work_store.adjust(self.tx, [b.work for b in before], [n.work for n in now])


async def lock(tx: Tx, ids: Collection[UUID], *, lines: bool = False, items: bool = False) -> LockedOrders:
    """Locks and loads those that exist, in the order of their ids; lines and items only where they are asked for."""
    key = sorted(ids)
    rows = await tx.rows(_LOCK, ids=key)
    # What belongs to the orders is asked for after the lock was granted: a statement sees what was there as it began.
    found = await _whole(tx, rows, key, lines=lines, items=items)
    at = max((row["at"] for row in rows), default=None) or await tx.clock()
    return LockedOrders(tx, at, found, {order.id: Standing.of(order) for order in found.values()})


async def peek(source: Tx | Database, ids: Collection[UUID], *, items: bool = False) -> dict[UUID, Order]:
    """Loads without locking: to prepare calls to others, whose results are recorded under a lock later."""
    key = sorted(ids)
    return await _whole(source, await source.rows(_PEEK, ids=key), key, lines=False, items=items)


async def _whole(
    source: Tx | Database, rows: Iterable[asyncpg.Record], ids: list[UUID], *, lines: bool, items: bool
) -> dict[UUID, Order]:
    """Orders with what belongs to them, by id."""
    found = {row["id"]: _order(row) for row in rows}
    if lines:
        for order_id, *line in await source.rows(_LINES, ids=ids):
            found[order_id].lines.append(Line(*line))
    for shipment in await shipment_store.of_orders(source, ids, items=items):
        found[shipment.order_id].shipments.append(shipment)
    return found


def _order(row: Row) -> Order:
    """From a row of _LOCK."""
    *who_and_how, address, status, placed_at, closed_at, action_deadline, last_seq, _ = row
    order_id, reference, customer_id, customer_reference, currency, payment_method, email = who_and_how
    return Order(
        order_id,
        reference,
        customer_id,
        customer_reference,
        currency,
        payment_method,
        email,
        address,
        OrderStatus(status),
        placed_at,
        closed_at,
        action_deadline,
        last_seq,
    )


async def add(tx: Tx, new: Collection[Order], content_hashes: dict[UUID, bytes]) -> set[UUID]:
    """Inserts new orders with lines, events and work; returns the ids of those whose reference was still free."""
    # In the order of references, so that two batches that share some wait for each other and never deadlock.
    wanting = sorted((order.reference, order.id, content_hashes[order.id]) for order in new)
    free = {row[0] for row in await tx.rows(_TAKE, **columns(_TAKEN, wanting))}
    added = [order for order in new if order.id in free]
    if not added:
        return free
    lines = [
        (order.id, line.number, line.sku, line.quantity, line.unit_price_minor)
        for order in added
        for line in order.lines
    ]
    await tx.run(
        _ADD,
        **columns(_NEW, [_new_row(order) for order in added]),
        **columns(_NEW_LINES, lines),
        **columns(_EVENTS, _event_rows(added)),
    )
    _tell(tx, added)
    await work_store.adjust(tx, [{} for _ in added], [wanted(order) for order in added])
    return free


_TAKEN: Final = ("references", "orders", "hashes")
_TAKE: Final = Statement(
    """
    INSERT INTO order_references (reference, order_id, content_hash)
    SELECT * FROM unnest(CAST(:references AS text[]), CAST(:orders AS uuid[]), CAST(:hashes AS bytea[]))
    ON CONFLICT (reference) DO NOTHING RETURNING order_id
    """
)
_EVENTS: Final = (
    "e_order", "e_seq", "e_at", "e_type", "e_actor", "e_role", "e_reason", "e_shipment", "e_data",
)  # fmt: skip
_EVENT_TABLE: Final = """
    unnest(CAST(:e_order AS uuid[]), CAST(:e_seq AS int[]), CAST(:e_at AS timestamptz[]), CAST(:e_type AS text[]),
           CAST(:e_actor AS text[]), CAST(:e_role AS text[]), CAST(:e_reason AS text[]), CAST(:e_shipment AS int[]),
           CAST(:e_data AS jsonb[]))
        AS e(order_id, seq, at, type, actor, actor_role, reason, shipment, data)
"""
_INSERT_EVENTS: Final = (
    "INSERT INTO order_events (order_id, seq, at, type, actor, actor_role, reason, shipment, data)"
    " SELECT e.order_id, e.seq, e.at, e.type, e.actor, e.actor_role, e.reason, e.shipment, e.data FROM"
)
_NEW: Final = (
    "id", "reference", "customer_id", "customer_reference", "status", "currency", "payment_method", "email", "address",
    "placed_at", "last_seq",
)  # fmt: skip
_NEW_LINES: Final = ("l_order", "l_number", "l_sku", "l_quantity", "l_price")
_ADD: Final = Statement(
    f"""
    WITH placed AS (
        INSERT INTO orders (id, reference, customer_id, customer_reference, status, currency, payment_method, email,
                            shipping_address, placed_at, last_seq)
        SELECT * FROM unnest(
            CAST(:id AS uuid[]), CAST(:reference AS text[]), CAST(:customer_id AS uuid[]),
            CAST(:customer_reference AS text[]), CAST(:status AS text[]), CAST(:currency AS text[]),
            CAST(:payment_method AS text[]), CAST(:email AS text[]), CAST(:address AS jsonb[]),
            CAST(:placed_at AS timestamptz[]), CAST(:last_seq AS int[]))),
    lines AS (
        INSERT INTO order_lines (order_id, number, sku, quantity, unit_price_minor)
        SELECT * FROM unnest(
            CAST(:l_order AS uuid[]), CAST(:l_number AS int[]), CAST(:l_sku AS text[]), CAST(:l_quantity AS int[]),
            CAST(:l_price AS bigint[])))
    {_INSERT_EVENTS} {_EVENT_TABLE}
    """  # noqa: S608 - the pieces above
)


def _new_row(order: Order) -> tuple[Any, ...]:
    """In the order of _NEW."""
    address = orjson.dumps(order.shipping_address).decode() if order.shipping_address else None
    return (
        order.id,
        order.reference,
        order.customer_id,
        order.customer_reference,
        str(order.status),
        order.currency,
        order.payment_method,
        order.email,
        address,
        order.placed_at,
        order.last_seq,
    )


_CHANGED: Final = ("id", "status", "closed_at", "action_deadline", "last_seq")
_SAVE: Final = Statement(
    f"""
    WITH saved AS (
        UPDATE orders SET status = o.status, closed_at = o.closed_at, action_deadline = o.action_deadline,
                          last_seq = o.last_seq
        FROM unnest(CAST(:id AS uuid[]), CAST(:status AS text[]), CAST(:closed_at AS timestamptz[]),
                    CAST(:action_deadline AS timestamptz[]), CAST(:last_seq AS int[]))
            AS o(id, status, closed_at, action_deadline, last_seq)
        WHERE orders.id = o.id)
    {_INSERT_EVENTS} {_EVENT_TABLE}
    """  # noqa: S608 - the pieces above
)
_SHORT: Final = ("orders", "numbers", "unavailable")
_SHORTAGE: Final = Statement(
    """
    UPDATE order_lines SET unavailable = t.unavailable
    FROM unnest(CAST(:orders AS uuid[]), CAST(:numbers AS int[]), CAST(:unavailable AS int[]))
        AS t(order_id, number, unavailable)
    WHERE order_lines.order_id = t.order_id AND order_lines.number = t.number
    """
)


async def _write(tx: Tx, changed: Sequence[Order]) -> None:
    """The orders themselves, and their news, which is then forgotten."""
    rows = [(o.id, str(o.status), o.closed_at, o.action_deadline, o.last_seq) for o in changed]
    await tx.run(_SAVE, **columns(_CHANGED, rows), **columns(_EVENTS, _event_rows(changed)))
    short = [(order.id, line.number, line.unavailable) for order in changed for line in order.lines if line.unavailable]
    if short:
        await tx.run(_SHORTAGE, **columns(_SHORT, short))
    _tell(tx, changed)


async def _write_shipments(tx: Tx, changed: Collection[Order], before: Collection[Standing]) -> None:
    """Before the news is forgotten: it tells which were touched."""
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


def _event_rows(orders: Iterable[Order]) -> list[tuple[Any, ...]]:
    """Their news, in the order of _EVENTS."""
    return [
        (
            order.id,
            event.seq,
            event.at,
            str(event.type),
            event.by.name,
            event.by.role and str(event.by.role),
            event.reason,
            event.shipment,
            orjson.dumps(event.data).decode(),
        )
        for order in orders
        for event in order.news
    ]


def _tell(tx: Tx, orders: Iterable[Order]) -> None:
    """What was written is no news any more; those who wait for it are told after the commit."""
    for order in orders:
        order.news.clear()
        tx.news.orders.add(order.id)


_SAY_WHY: Final = Statement("UPDATE orders SET cancel_reason = :why WHERE id = :id")


async def keep_cancel_reason(tx: Tx, order_id: UUID, why: str) -> None:
    """In the customer's own words, where they can be erased; the caller holds the order's lock."""
    await tx.run(_SAY_WHY, id=order_id, why=why)


_BY_REFERENCE: Final = Statement(
    "SELECT reference, order_id, content_hash FROM order_references WHERE reference = ANY(CAST(:references AS text[]))"
)


async def placed_before(tx: Tx, references: Collection[str]) -> dict[str, tuple[UUID, bytes]]:
    """Those of the references that are taken: the order's id and the hash of what was asked for."""
    found = await tx.rows(_BY_REFERENCE, references=list(references))
    return {reference: (order_id, digest) for reference, order_id, digest in found}
