"""A sample of the queues for each minute, kept for some days: what charts of operations are drawn from.

A minute without a row was watched by no worker, so nothing is known about it.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

import orjson
from sqlalchemy import text

from oms.domain.access.permissions import Viewer, require
from oms.domain.work.policy import WorkPermission
from oms.domain.work.queries import queue_stats
from oms.platform.db import Database

KEPT: Final = timedelta(days=7)
MINUTE: Final = timedelta(minutes=1)


@dataclass(frozen=True, slots=True)
class Load:
    """Of one queue: workers alive, and work that is due."""

    workers: int
    backlog: int


@dataclass(frozen=True, slots=True)
class Sample:
    """At the beginning of a minute. `completed`: orders of the minute before."""

    at: datetime
    queues: Mapping[str, Load]
    completed: int


_IS_MISSING: Final = text(
    """
    SELECT NOT EXISTS (SELECT FROM operations_samples
                       WHERE minute = date_trunc('minute', statement_timestamp(), 'UTC'))
    """
)
_WRITE: Final = text(
    """
    WITH now AS (SELECT date_trunc('minute', statement_timestamp(), 'UTC') AS minute)
    INSERT INTO operations_samples (minute, queues, completed)
    SELECT minute, CAST(:queues AS jsonb),
           (SELECT count(*) FROM orders
            WHERE status = 'COMPLETED' AND closed_at >= minute - interval '1 minute' AND closed_at < minute)
    FROM now ON CONFLICT (minute) DO NOTHING
    """
)
_FORGET: Final = text("DELETE FROM operations_samples WHERE minute < statement_timestamp() - CAST(:kept AS interval)")
_READ: Final = text(
    "SELECT minute, queues, completed FROM operations_samples WHERE minute >= :begin AND minute < :end ORDER BY minute"
)


async def sample(db: Database) -> None:
    """Writes the present minute's row, unless a worker has, and forgets old ones."""
    async with db.transaction() as tx:
        if not (await tx.conn.execute(_IS_MISSING)).scalar_one():
            return
        queues = {each.queue: [each.workers, each.backlog] for each in await queue_stats(tx.conn)}
        await tx.conn.execute(_WRITE, {"queues": orjson.dumps(queues).decode()})
        await tx.conn.execute(_FORGET, {"kept": KEPT})


async def samples(db: Database, viewer: Viewer, begin: datetime, end: datetime) -> Sequence[Sample]:
    """From `begin` (inclusive) to `end` (exclusive), the earliest first. Raises Refused(FORBIDDEN)."""
    require(viewer, WorkPermission.READ_OPERATIONS)
    async with db.reading() as conn:
        rows = (await conn.execute(_READ, {"begin": begin, "end": end})).all()
    return [
        Sample(row.minute, {queue: Load(*load) for queue, load in row.queues.items()}, row.completed) for row in rows
    ]
