"""Figures for monitoring. They come from the database, so every process reports the same."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from oms.domain.access.permissions import Viewer
from oms.domain.concept.standstill import Cause
from oms.domain.diagnosis.model import Thresholds
from oms.domain.diagnosis.operations import Operations, operations
from oms.domain.diagnosis.queries import standstills
from oms.domain.order.model import ORDER
from oms.domain.tokens.commands import expiring_soon
from oms.platform.db import Database

MAX_TRANSACTION_S: Final = 30.0
MAX_UNSEALED_S: Final = 300.0
"""What takes longer needs somebody's attention."""


@dataclass(frozen=True, slots=True)
class VitalSigns:
    """`open_orders`: by status, without final ones. `standing_still`: subjects by cause, at most MAX_EXAMINED."""

    operations: Operations
    parked: int
    held: int
    open_orders: Mapping[str, int]
    standing_still: Mapping[Cause, int]
    oldest_transaction_s: float
    tokens_expiring: int
    archive_fails: bool = False


# Each count scans an index of open things only, so the number of orders ever placed does not matter.
_COUNTS: Final = text(
    """
    SELECT (SELECT count(*) FROM work WHERE parked_at IS NOT NULL) AS parked,
           (SELECT count(*) FROM work WHERE held) AS held
    """
)
_OLDEST_TRANSACTION: Final = text(
    """
    SELECT coalesce(extract(epoch FROM clock_timestamp() - min(xact_start)), 0) FROM pg_stat_activity
    WHERE datname = current_database() AND pid <> pg_backend_pid()
    """
)
ARCHIVER: Final = text(
    """
    SELECT current_setting('archive_mode') <> 'off' AS is_on, last_failed_time,
           coalesce(last_failed_time > coalesce(last_archived_time, '-infinity'), false) AS is_failing
    FROM pg_stat_archiver
    """
)
_OPEN_ORDERS: Final = text(
    """
    SELECT s.status, (SELECT count(*) FROM orders o WHERE o.status = s.status) AS orders
    FROM unnest(CAST(:open AS text[])) AS s(status)
    """
)


async def vital_signs(db: Database, viewer: Viewer) -> VitalSigns:
    """Raises Refused(FORBIDDEN) unless the viewer may see how the system runs."""
    stats = await operations(db, viewer)
    async with db.reading() as conn:
        counts = (await conn.execute(_COUNTS)).one()
        open_orders = {row.status: row.orders for row in await conn.execute(_OPEN_ORDERS, {"open": sorted(ORDER.open)})}
        oldest_s = await oldest_transaction_s(conn)
        archiver = (await conn.execute(ARCHIVER)).one()
    still = Counter(standstill.cause for standstill in (await standstills(db, Thresholds())).standstills)
    archive_fails, expiring = archiver.is_on and archiver.is_failing, len(await expiring_soon(db))
    return VitalSigns(stats, counts.parked, counts.held, open_orders, still, oldest_s, expiring, archive_fails)


async def oldest_transaction_s(conn: AsyncConnection) -> float:
    """The age of the oldest open transaction of all other connections; 0 if there is none."""
    return float((await conn.execute(_OLDEST_TRANSACTION)).scalar_one())
