"""Due work in PostgreSQL: written with the state that calls for it, claimed in batches under a lease."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any, Final, Self
from uuid import UUID, uuid4

from sqlalchemy import ARRAY, Boolean, Column, DateTime, Index, Integer, Table, Text, Uuid, text

from oms.domain.work.model import Due, Queue, Step, WorkKey
from oms.platform.db import Database, Statement, Tx, columns, metadata

work: Final = Table(
    "work",
    metadata,
    Column("order_id", Uuid, primary_key=True),
    Column("shipment", Integer, primary_key=True),
    Column("queue", Text, primary_key=True),
    Column("step", Text, nullable=False),
    Column("due_at", DateTime(timezone=True), nullable=False),
    Column("attempt", Integer, nullable=False, server_default=text("0")),
    # Suspected of bringing down whatever it is handled with: it runs alone.
    Column("suspect", Boolean, nullable=False, server_default=text("false")),
    # Waits for the end of maintenance, not for an instant.
    Column("held", Boolean, nullable=False, server_default=text("false")),
    Column("claim", Uuid),
    Column("leased_until", DateTime(timezone=True)),
    Column("parked_at", DateTime(timezone=True)),
    Column("last_error", Text),
    Index("ix_work_due", "queue", "due_at", postgresql_where=text("parked_at IS NULL AND NOT held")),
    Index("ix_work_held", "queue", postgresql_where=text("held")),
    Index("ix_work_parked", "parked_at", postgresql_where=text("parked_at IS NOT NULL")),
    # Every row is updated and deleted soon after it was written: leave room for that on its page.
    postgresql_with={"fillfactor": 60},
)

ALIVE: Final = "seen_at > statement_timestamp() - interval '5 seconds'"
"""The one definition of a worker that lives: it leaves a sign each second."""

workers: Final = Table(
    "workers",
    metadata,
    Column("name", Text, primary_key=True),
    Column("queues", ARRAY(Text), nullable=False),
    Column("seen_at", DateTime(timezone=True), nullable=False),
)


@dataclass(frozen=True, slots=True)
class Claimed:
    """One item under a lease."""

    key: WorkKey
    step: Step
    attempt: int
    suspect: bool


@dataclass(frozen=True, slots=True)
class Batch:
    """What one claim took from a queue; `token` proves it."""

    queue: Queue
    token: UUID
    items: tuple[Claimed, ...]

    @property
    def keys(self) -> frozenset[WorkKey]:
        return frozenset(item.key for item in self.items)

    @property
    def order_ids(self) -> frozenset[UUID]:
        return frozenset(item.key.order_id for item in self.items)

    def only(self, items: Iterable[Claimed]) -> Self:
        """A part of it, under the same claim."""
        return replace(self, items=tuple(items))


_KEYS: Final = ("orders", "shipments", "queues")
_NEW: Final = ("new_orders", "new_shipments", "new_queues", "new_steps", "new_due")
# What was due already stays due since then: its place in the index is kept, and so the row's other versions are cheap.
_ADJUST: Final = Statement(
    """
    WITH gone AS (
        DELETE FROM work USING unnest(CAST(:orders AS uuid[]), CAST(:shipments AS int[]), CAST(:queues AS text[]))
            AS t(order_id, shipment, queue)
        WHERE work.order_id = t.order_id AND work.shipment = t.shipment AND work.queue = t.queue)
    INSERT INTO work (order_id, shipment, queue, step, due_at)
    SELECT order_id, shipment, queue, step, coalesce(due_at, clock_timestamp())
    FROM unnest(CAST(:new_orders AS uuid[]), CAST(:new_shipments AS int[]), CAST(:new_queues AS text[]),
                CAST(:new_steps AS text[]), CAST(:new_due AS timestamptz[]))
        AS t(order_id, shipment, queue, step, due_at)
    ON CONFLICT (order_id, shipment, queue) DO UPDATE
    SET step = excluded.step, due_at = CASE WHEN excluded.due_at > clock_timestamp() THEN excluded.due_at
                                            ELSE least(work.due_at, excluded.due_at) END,
        attempt = 0, suspect = false, held = false, parked_at = NULL, last_error = NULL
    """
)


async def adjust(tx: Tx, before: Iterable[Mapping[WorkKey, Due]], now: Iterable[Mapping[WorkKey, Due]]) -> None:
    """Makes the table say what the orders' state says. A claim on an item that stays is left to its holder."""
    gone: list[WorkKey] = []
    new: dict[WorkKey, Due] = {}
    for was, wanted in zip(before, now, strict=True):
        gone.extend(key for key in was if key not in wanted)
        new.update({key: due for key, due in wanted.items() if was.get(key) != due})
    if gone or new:
        rows = [(key.order_id, key.shipment, str(key.queue), str(due.step), due.at) for key, due in new.items()]
        await tx.run(_ADJUST, **_columns(gone), **columns(_NEW, rows))
        tx.news.queues |= {str(key.queue) for key, due in new.items() if due.at is None}


def _columns(keys: Iterable[WorkKey]) -> dict[str, Sequence[Any]]:
    """Of no keys at all, they are there and empty."""
    return columns(_KEYS, [(key.order_id, key.shipment, str(key.queue)) for key in keys])


# statement_timestamp() and not clock_timestamp(): only what is fixed for the statement can bound a scan of the index.
# Suspects run alone, one after the other: of many in one claim the last would wait past its lease, be taken over by
# somebody who has as many, and so on, without end.
_CLAIM: Final = Statement(
    """
    WITH fine AS (
        SELECT order_id, shipment, queue FROM work
        WHERE queue = :queue AND parked_at IS NULL AND NOT held AND due_at <= statement_timestamp()
          AND NOT suspect AND claim IS NULL
        ORDER BY due_at LIMIT :most FOR UPDATE SKIP LOCKED),
    suspects AS (
        SELECT order_id, shipment, queue FROM work
        WHERE queue = :queue AND parked_at IS NULL AND NOT held AND due_at <= statement_timestamp()
          AND (suspect OR claim IS NOT NULL)
          AND (leased_until IS NULL OR leased_until < statement_timestamp())
        ORDER BY due_at LIMIT 1 FOR UPDATE SKIP LOCKED)
    UPDATE work SET claim = :claim, leased_until = clock_timestamp() + CAST(:lease AS interval),
                    attempt = work.attempt + 1, suspect = work.suspect OR work.claim IS NOT NULL
    FROM (TABLE fine UNION ALL TABLE suspects) AS due
    WHERE work.order_id = due.order_id AND work.shipment = due.shipment AND work.queue = due.queue
    RETURNING work.order_id, work.shipment, work.step, work.attempt, work.suspect
    """
)


async def claim(source: Tx | Database, queue: Queue, *, most: int, lease: timedelta) -> Batch:
    """Takes due items that nobody holds, and of suspects one. Whose last holder never came back is suspect, too."""
    token = uuid4()
    found = await source.rows(_CLAIM, claim=token, queue=str(queue), most=most, lease=lease)
    items = (
        Claimed(WorkKey(order_id, shipment, queue), Step(step), attempt, suspect)
        for order_id, shipment, step, attempt, suspect in found
    )
    return Batch(queue, token, tuple(items))


_STILL_HELD: Final = Statement(
    """
    SELECT work.order_id, work.shipment, work.queue, work.attempt
    FROM work JOIN unnest(CAST(:orders AS uuid[]), CAST(:shipments AS int[]), CAST(:queues AS text[]))
        AS t(order_id, shipment, queue)
        ON work.order_id = t.order_id AND work.shipment = t.shipment AND work.queue = t.queue
    WHERE work.claim = :claim FOR UPDATE OF work
    """
)


async def still_held(tx: Tx, batch: Batch) -> frozenset[WorkKey]:
    """What the claim still covers: a worker that woke up too late finds nothing and must write nothing."""
    return frozenset(await attempts_held(tx, batch))


async def attempts_held(tx: Tx, batch: Batch) -> dict[WorkKey, int]:
    """What the claim still covers, and how often its present step was tried, the attempt under way included.

    That is not the attempt that was claimed where the step has changed since: the new one began at its first.
    """
    found = await tx.rows(_STILL_HELD, **_columns(batch.keys), claim=batch.token)
    return {WorkKey(order_id, shipment, Queue(name)): max(1, attempt) for order_id, shipment, name, attempt in found}


_LET_GO: Final = Statement(
    """
    UPDATE work SET claim = NULL, leased_until = NULL,
                    due_at = CASE WHEN attempt > 0 THEN clock_timestamp() + interval '1 second' ELSE due_at END
    FROM unnest(CAST(:orders AS uuid[]), CAST(:shipments AS int[]), CAST(:queues AS text[]))
        AS t(order_id, shipment, queue)
    WHERE work.order_id = t.order_id AND work.shipment = t.shipment AND work.queue = t.queue AND claim = :claim
    """
)


async def let_go(tx: Tx, batch: Batch, keys: Collection[WorkKey]) -> None:
    """Ends the lease of items that were handled. The next step of one is due at once (its attempts start again from 0);

    one that nothing came of is looked at again a second later, lest it be claimed for ever.
    """
    if keys:
        await tx.run(_LET_GO, **_columns(keys), claim=batch.token)


_GIVE_BACK: Final = Statement(
    """
    UPDATE work SET claim = NULL, leased_until = NULL, suspect = suspect OR CAST(:suspect AS boolean),
                    attempt = greatest(0, attempt - 1), due_at = clock_timestamp() + CAST(:delay AS interval)
    FROM unnest(CAST(:orders AS uuid[]), CAST(:shipments AS int[]), CAST(:queues AS text[]))
        AS t(order_id, shipment, queue)
    WHERE work.order_id = t.order_id AND work.shipment = t.shipment AND work.queue = t.queue AND claim = :claim
    """
)


async def give_back(tx: Tx, batch: Batch, *, delay: timedelta, suspect: bool) -> None:
    """Ends the claim as if it had not been; the caller holds the orders' locks."""
    await tx.run(_GIVE_BACK, **_columns(batch.keys), claim=batch.token, delay=delay, suspect=suspect)


_PUT_OFF: Final = text(
    """
    UPDATE work SET claim = NULL, leased_until = NULL, last_error = :error, suspect = :suspect,
                    attempt = greatest(1, attempt), due_at = clock_timestamp() + :delay,
                    parked_at = CASE WHEN :park THEN clock_timestamp() END
    WHERE order_id = :order_id AND shipment = :shipment AND queue = :queue AND claim = :claim
    """
)


async def put_off(
    tx: Tx, batch: Batch, key: WorkKey, *, error: str, delay: timedelta, park: bool, suspect: bool
) -> None:
    """After a failure: due again later, or parked for support to see."""
    await tx.conn.execute(
        _PUT_OFF,
        {"order_id": key.order_id, "shipment": key.shipment, "queue": str(key.queue), "claim": batch.token}
        | {"error": error, "delay": delay, "park": park, "suspect": suspect},
    )


_HOLD: Final = Statement(_LET_GO.text.replace("SET claim", "SET held = true, claim"))


async def hold(tx: Tx, batch: Batch, keys: Collection[WorkKey]) -> None:
    """Until maintenance ends, without back-off."""
    if keys:
        await tx.run(_HOLD, **_columns(keys), claim=batch.token)


_RELEASE_HELD: Final = Statement(
    """
    UPDATE work SET held = false, attempt = 0, due_at = clock_timestamp()
    FROM (SELECT order_id, shipment, queue FROM work WHERE held AND queue = 'billing'
          LIMIT :most FOR UPDATE SKIP LOCKED) AS waiting
    WHERE work.order_id = waiting.order_id AND work.shipment = waiting.shipment AND work.queue = waiting.queue
      AND NOT (SELECT maintenance FROM fraud_settings WHERE id = 1)
    """
)


async def release_held(source: Tx | Database, *, most: int) -> None:
    """Makes held work due once maintenance is off."""
    await source.rows(_RELEASE_HELD, most=most)


_RETRY: Final = text(
    """
    UPDATE work SET parked_at = NULL, attempt = 0, due_at = clock_timestamp()
    WHERE order_id = :order_id AND shipment = :shipment AND queue = :queue AND parked_at IS NOT NULL
    """
)


async def retry(tx: Tx, key: WorkKey) -> bool:
    """Makes a parked item due again; False where there is none. The caller holds the order's lock."""
    values = {"order_id": key.order_id, "shipment": key.shipment, "queue": str(key.queue)}
    if (await tx.conn.execute(_RETRY, values)).rowcount == 0:
        return False
    tx.news.queues.add(str(key.queue))
    return True


_SEEN: Final = text(
    """
    INSERT INTO workers (name, queues, seen_at) VALUES (:name, CAST(:queues AS text[]), clock_timestamp())
    ON CONFLICT (name) DO UPDATE SET queues = excluded.queues, seen_at = excluded.seen_at
    """
)
_GONE: Final = text("DELETE FROM workers WHERE name = :name OR seen_at < statement_timestamp() - interval '1 hour'")


async def worker_seen(tx: Tx, name: str, queues: Collection[str]) -> None:
    """A worker's sign of life; those without one for a few seconds do not count as working."""
    await tx.conn.execute(_SEEN, {"name": name, "queues": list(queues)})


async def worker_gone(tx: Tx, name: str) -> None:
    """A worker that stops; those that died long ago are forgotten with it."""
    await tx.conn.execute(_GONE, {"name": name})
