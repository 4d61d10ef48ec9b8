"""How many shipments there are to pick up, on the way and done, without reading them."""

from dataclasses import dataclass
from typing import Final

from sqlalchemy import text

from oms.db import Database
from oms.domain.access.model import Operation, Viewer, require
from oms.domain.catalog.model import Warehouse
from oms.domain.shipments.model import ShipmentStatus

MOST_COUNTED: Final = 1_000
"""Of each status and warehouse: what it costs does not grow with the shop."""


@dataclass(frozen=True, slots=True)
class Counted:
    """`count` is 1 to MOST_COUNTED."""

    status: ShipmentStatus
    warehouse: Warehouse
    count: int


# Each count reads one stretch of an index, which is searched for now(), not for clock_timestamp(), and for codes in the
# collation that it has.
_COUNTS: Final = text(
    """
    WITH places AS (SELECT code, name, code COLLATE "default" AS warehouse_code FROM warehouses)
    SELECT wanted.status, p.code, p.name, counted.count
    FROM places p CROSS JOIN (VALUES ('BOOKED'), ('DISPATCHED')) AS wanted(status) CROSS JOIN LATERAL (
        SELECT count(*) FROM (
            SELECT FROM shipments s
            WHERE s.status = wanted.status AND s.status IN ('BOOKED', 'DISPATCHED')
            AND s.warehouse_code = p.warehouse_code LIMIT :most) s
    ) counted WHERE counted.count > 0
    UNION ALL
    SELECT 'DELIVERED', p.code, p.name, counted.count FROM places p CROSS JOIN LATERAL (
        SELECT count(*) FROM (
            SELECT FROM shipments s
            WHERE s.warehouse_code = p.warehouse_code AND s.delivered_at >= now() - interval '24 hours' LIMIT :most) s
    ) counted WHERE counted.count > 0
    ORDER BY status, code
    """
)


async def counts(db: Database, viewer: Viewer) -> list[Counted]:
    """Those BOOKED, DISPATCHED, and DELIVERED within 24 hours, by status and warehouse. Raises Refused(FORBIDDEN)."""
    require(viewer, Operation.COUNT_SHIPMENTS)
    async with db.reading() as conn:
        rows = (await conn.execute(_COUNTS, {"most": MOST_COUNTED})).all()
    return [Counted(ShipmentStatus(status), Warehouse(code, name), count) for status, code, name, count in rows]
