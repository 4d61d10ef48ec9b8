"""Counts of the shipments to pick up, on the way and delivered."""

from dataclasses import dataclass
from typing import Any, Final

from oms.domain.access.permissions import Viewer, require
from oms.domain.order.policy import OrderPermission
from oms.domain.order.shipment import WITH_COURIER, ShipmentStatus
from oms.domain.order_queries.row_filters import courier_values
from oms.domain.vocabulary.errors import refuse_all
from oms.domain.vocabulary.texts.checks import CODE_LENGTH, check_text
from oms.platform.db import Database, statement

MAX_COUNTED: Final = 1_000
"""For each status, so that the cost does not grow with the number of shipments."""


@dataclass(frozen=True, slots=True)
class Counted:
    """`count` is 0 to MAX_COUNTED."""

    status: ShipmentStatus
    count: int


# Each count reads one range of an index; PostgreSQL can use it with now(), but not with clock_timestamp().
_COUNTS: Final = " UNION ALL ".join(
    f"SELECT '{status}', count(*) FROM (SELECT FROM shipments s WHERE {where} {{in_warehouse}} LIMIT :limit) counted"  # noqa: S608 - only the statuses above
    for status, where in (
        *((status, f"s.status = '{status}'") for status in sorted(WITH_COURIER)),
        (ShipmentStatus.DELIVERED, "s.delivered_at >= now() - interval '24 hours'"),
    )
)
_IN_ONE: Final = "AND s.warehouse_code = :code"
_IN_THEIRS: Final = "AND s.warehouse_code = ANY(CAST(:carried_from AS text[]))"


async def counts(db: Database, viewer: Viewer, warehouse_code: str | None) -> list[Counted]:
    """Those WITH_COURIER by status, and those DELIVERED within 24 hours; for couriers, in their warehouses.

    Raises Refused: FORBIDDEN, or INVALID.
    """
    require(viewer, OrderPermission.COUNT_SHIPMENTS)
    conditions = [_IN_ONE] if warehouse_code is not None else []
    values: dict[str, Any] = {"limit": MAX_COUNTED}
    if viewer.carries.warehouses is not None:
        conditions.append(_IN_THEIRS)
        values |= courier_values(viewer.carries)
    if warehouse_code is not None:
        refuse_all(check_text(warehouse_code, "warehouseCode", max_length=CODE_LENGTH))
        values["code"] = warehouse_code
    query = statement(_COUNTS.format(in_warehouse=" ".join(conditions)))
    return [Counted(ShipmentStatus(status), count) for status, count in await db.rows(query, **values)]
