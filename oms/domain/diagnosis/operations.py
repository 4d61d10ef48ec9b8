"""How the system is running now."""

from dataclasses import dataclass
from typing import Final

from sqlalchemy import text

from oms.domain.access.permissions import Viewer, require
from oms.domain.work.policy import WorkPermission
from oms.domain.work.queries import QueueStats, queue_stats
from oms.domain.work.store import ALIVE
from oms.platform.db import Database


@dataclass(frozen=True, slots=True)
class Operations:
    """`completion_rate`: orders completed per second over the last 30 seconds.

    `failures`: of background tasks, of all workers alive since each started.
    """

    queues: tuple[QueueStats, ...]
    completion_rate: float
    failures: int = 0


_COMPLETED: Final = text(
    """
    SELECT count(*) / 30.0 FROM orders
    WHERE closed_at > statement_timestamp() - interval '30 seconds' AND status = 'COMPLETED'
    """
)


_FAILURES: Final = text(f"SELECT coalesce(sum(failures), 0) FROM workers WHERE {ALIVE}")  # noqa: S608 - a constant


async def operations(db: Database, viewer: Viewer) -> Operations:
    """Raises Refused(FORBIDDEN)."""
    require(viewer, WorkPermission.READ_OPERATIONS)
    async with db.reading() as conn:
        queues = await queue_stats(conn)
        rate = float((await conn.execute(_COMPLETED)).scalar_one())
        failures = int((await conn.execute(_FAILURES)).scalar_one())
    return Operations(queues, rate, failures)
