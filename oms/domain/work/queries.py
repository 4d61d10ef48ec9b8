"""How the system runs, the work that is parked, and what is left to be done for an order."""

from collections import defaultdict
from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from sqlalchemy import text

from oms.domain.access.permissions import Operation, Viewer, require
from oms.domain.vocabulary.ids import parse_work, work_id
from oms.domain.vocabulary.paging import Page, bad_cursor, check_first, cursor_of, instant_of, key_of
from oms.domain.work.model import Queue, Step, WorkKey
from oms.domain.work.store import ALIVE
from oms.platform.db import Database, Statement


@dataclass(frozen=True, slots=True)
class QueueStats:
    """`backlog`: work due and not done. `oldest_due_s`: seconds since its oldest fell due, 0 with no backlog."""

    queue: Queue
    workers: int
    backlog: int
    oldest_due_s: float


@dataclass(frozen=True, slots=True)
class Operations:
    """`completion_rate`: orders completed per second over the last 30 seconds."""

    queues: tuple[QueueStats, ...]
    completion_rate: float


# The statement's clock, which stands still within it: an index can't serve a comparison with one that runs.
_QUEUES: Final = text(
    f"""
    SELECT q.name,
           (SELECT count(*) FROM workers WHERE q.name = ANY(queues) AND {ALIVE}) AS workers,
           due.backlog, greatest(0, coalesce(extract(epoch FROM statement_timestamp() - due.oldest), 0)) AS oldest_due_s
    FROM unnest(CAST(:queues AS text[])) AS q(name)
    CROSS JOIN LATERAL (
        SELECT count(*) AS backlog, min(due_at) AS oldest FROM work
        WHERE queue = q.name AND parked_at IS NULL AND NOT held AND due_at <= statement_timestamp()) AS due
    """  # noqa: S608 - a constant
)
_COMPLETED: Final = text(
    """
    SELECT count(*) / 30.0 FROM orders
    WHERE closed_at > statement_timestamp() - interval '30 seconds' AND status = 'COMPLETED'
    """
)


async def operations(db: Database, viewer: Viewer) -> Operations:
    """Raises Refused(FORBIDDEN)."""
    require(viewer, Operation.READ_OPERATIONS)
    async with db.reading() as conn:
        found = {row.name: row for row in await conn.execute(_QUEUES, {"queues": [str(queue) for queue in Queue]})}
        rate = float((await conn.execute(_COMPLETED)).scalar_one())
    stats = (
        QueueStats(queue, found[queue].workers, found[queue].backlog, float(found[queue].oldest_due_s))
        for queue in Queue
    )
    return Operations(tuple(stats), rate)


@dataclass(frozen=True, slots=True)
class ParkedWork:
    """Work that kept failing and waits for support."""

    key: WorkKey
    step: Step
    attempts: int
    last_error: str
    parked_at: datetime

    @property
    def id(self) -> str:
        return work_id(self.key.order_id, self.key.shipment, self.key.queue)

    @property
    def cursor(self) -> str:
        return cursor_of(f"{self.parked_at.isoformat()} {self.id}")


_PARKED: Final = """
    SELECT order_id, shipment, queue, step, attempt, coalesce(last_error, '') AS last_error, parked_at FROM work
    WHERE parked_at IS NOT NULL AND {beyond}
    ORDER BY parked_at DESC, order_id DESC, shipment DESC, queue DESC LIMIT :most
"""
_BEYOND: Final = "(parked_at, order_id, shipment, queue) < (:parked_at, :order_id, :shipment, :queue)"


async def parked(db: Database, viewer: Viewer, *, first: int, after: str | None) -> Page[ParkedWork]:
    """Parked last first. Raises Refused: FORBIDDEN, or INVALID."""
    require(viewer, Operation.MEND_WORK)
    values = {"most": check_first(first) + 1} | (_last_seen(after) if after is not None else {})
    query = text(_PARKED.format(beyond=_BEYOND if after is not None else "true"))
    async with db.reading() as conn:
        rows = (await conn.execute(query, values)).all()
    return Page.of([_parked(row) for row in rows], first)


def _parked(row: Any) -> ParkedWork:
    key = WorkKey(row.order_id, row.shipment, Queue(row.queue))
    return ParkedWork(key, Step(row.step), row.attempt, row.last_error, row.parked_at)


def _last_seen(cursor: str) -> dict[str, Any]:
    parked_at, _, work = key_of(cursor).partition(" ")
    key = parse_work(work)
    if key:
        return {"parked_at": instant_of(parked_at), "order_id": key[0], "shipment": key[1], "queue": key[2]}
    raise bad_cursor()


@dataclass(frozen=True, slots=True)
class SeenWork:
    """One thing left to be done. `due_at`: not before then, unless it is `held` for maintenance or parked.

    `last_error`: what the last attempt failed with, if one has.
    """

    key: WorkKey
    step: Step
    attempts: int
    due_at: datetime
    held: bool
    parked_at: datetime | None
    last_error: str | None

    @property
    def id(self) -> str:
        return work_id(self.key.order_id, self.key.shipment, self.key.queue)


_OF_ORDERS: Final = Statement(
    """
    SELECT order_id, shipment, queue, step, attempt, due_at, held, parked_at, last_error FROM work
    WHERE order_id = ANY(CAST(:ids AS uuid[])) ORDER BY order_id, parked_at NULLS LAST, due_at, shipment, queue
    """
)


async def of_orders(db: Database, ids: Collection[UUID]) -> dict[UUID, list[SeenWork]]:
    """By order, what is parked first, then what is due first; for who may read how the system runs."""
    work: dict[UUID, list[SeenWork]] = defaultdict(list)
    for order_id, shipment, queue, step, *rest in await db.rows(_OF_ORDERS, ids=list(ids)):
        work[order_id].append(SeenWork(WorkKey(order_id, shipment, Queue(queue)), Step(step), *rest))
    return work
