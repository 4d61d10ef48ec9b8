"""The shop in figures, for monitoring: the same whichever process is asked, because all come from the database."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from sqlalchemy import text

from oms.db import Database
from oms.domain.access.model import Viewer
from oms.domain.diagnosis.model import Cause, Patience
from oms.domain.diagnosis.read import standstills
from oms.domain.work.read import Operations, operations

MOST_STANDSTILLS: Final = 1000
"""Of each kind of subject: beyond that a figure says "at least"."""


@dataclass(frozen=True, slots=True)
class VitalSigns:
    """`open_orders` by status, those not final only. `standing_still` counts subjects by cause, as the doctor does."""

    operations: Operations
    parked: int
    held: int
    open_orders: Mapping[str, int]
    standing_still: Mapping[Cause, int]
    oldest_transaction_s: float


# Each count runs over an index that holds open things only: the number of orders ever placed does not matter.
_COUNTS: Final = text(
    """
    SELECT (SELECT count(*) FROM work WHERE parked_at IS NOT NULL) AS parked,
           (SELECT count(*) FROM work WHERE held) AS held,
           (SELECT coalesce(extract(epoch FROM clock_timestamp() - min(xact_start)), 0) FROM pg_stat_activity
            WHERE datname = current_database() AND pid <> pg_backend_pid()) AS oldest_transaction_s
    """
)
_OPEN_ORDERS: Final = text(
    """
    SELECT s.status, (SELECT count(*) FROM orders o WHERE o.status = s.status) AS orders
    FROM unnest(ARRAY['PENDING', 'CUSTOMER_ACTION_REQUIRED', 'PROCESSING']) AS s(status)
    """
)


async def vital_signs(db: Database, viewer: Viewer) -> VitalSigns:
    """Raises Refused(FORBIDDEN) unless the viewer may read how the system runs."""
    stats = await operations(db, viewer)
    async with db.reading() as conn:
        counts = (await conn.execute(_COUNTS)).one()
        open_orders = {row.status: row.orders for row in await conn.execute(_OPEN_ORDERS)}
    still = Counter(standstill.cause for standstill in await standstills(db, Patience(), most=MOST_STANDSTILLS))
    return VitalSigns(stats, counts.parked, counts.held, open_orders, still, float(counts.oldest_transaction_s))
