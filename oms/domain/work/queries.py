"""The state of the queues, and the remaining work of a subject."""

from collections import defaultdict
from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from typing import Final
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from oms.domain.concept.registry import registered
from oms.domain.concept.work import Step
from oms.domain.vocabulary.ids import work_id
from oms.domain.work.model import WorkKey
from oms.domain.work.store import ALIVE
from oms.platform.db import Database, Statement


@dataclass(frozen=True, slots=True)
class QueueStats:
    """`backlog`: work due and not done. `oldest_due_s`: seconds since its oldest item fell due, 0 with no backlog.

    `silent`: those of the workers that hear no wake-ups, so that they start work up to a second late.
    """

    queue: str
    workers: int
    backlog: int
    oldest_due_s: float
    silent: int = 0


# statement_timestamp() does not change during the statement, so that an index can serve the comparison.
_QUEUES: Final = text(
    f"""
    SELECT q.name,
           (SELECT count(*) FROM workers WHERE q.name = ANY(queues) AND {ALIVE}) AS workers,
           (SELECT count(*) FROM workers WHERE q.name = ANY(queues) AND q.name <> ALL(listening) AND {ALIVE}) AS silent,
           due.backlog, greatest(0, coalesce(extract(epoch FROM statement_timestamp() - due.oldest), 0)) AS oldest_due_s
    FROM unnest(CAST(:queues AS text[])) AS q(name)
    CROSS JOIN LATERAL (
        SELECT count(*) AS backlog, min(due_at) AS oldest FROM work
        WHERE queue = q.name AND parked_at IS NULL AND NOT held AND due_at <= statement_timestamp()) AS due
    """  # noqa: S608 - a constant
)


async def queue_stats(conn: AsyncConnection) -> tuple[QueueStats, ...]:
    """Of every registered queue."""
    queues = list(registered().work_kinds)
    found = {row.name: row for row in await conn.execute(_QUEUES, {"queues": queues})}
    return tuple(
        QueueStats(row.name, row.workers, row.backlog, float(row.oldest_due_s), row.silent)
        for row in (found[queue] for queue in queues)
    )


@dataclass(frozen=True, slots=True)
class SeenWork:
    """One item of remaining work. `due_at`: not before then, unless it is held at its gate or parked.

    `last_error`: of the last attempt, if it failed.
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
        return work_id(self.key.subject_id, self.key.part, self.key.queue)


_OF_SUBJECTS: Final = Statement(
    """
    SELECT subject_id, part, queue, step, attempt, due_at, held, parked_at, last_error FROM work
    WHERE subject_id = ANY(CAST(:ids AS uuid[])) ORDER BY subject_id, parked_at NULLS LAST, due_at, part, queue
    """
)


async def of_subjects(db: Database, ids: Collection[UUID]) -> dict[UUID, list[SeenWork]]:
    """By subject: parked work first, then by when it is due. For viewers who may see how the system runs."""
    kinds = registered().work_kinds
    work: dict[UUID, list[SeenWork]] = defaultdict(list)
    for subject_id, part, queue, step, *rest in await db.rows(_OF_SUBJECTS, ids=list(ids)):
        work[subject_id].append(SeenWork(WorkKey(subject_id, part, queue), kinds[queue].steps(step), *rest))
    return work
