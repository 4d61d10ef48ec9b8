"""The events of all orders as one stream, for those who show things live.

There is no global position: a transaction that began earlier may commit later. A reader therefore keeps a
*watermark*: every transaction below it has ended and was read. It advances to the *horizon*, the oldest transaction
still open. Within an order events are taken by their number, which the order's lock keeps without gaps.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from oms.domain.order.shipment import ShipmentStatus

_HORIZON: Final = text("SELECT pg_snapshot_xmin(pg_current_snapshot())::text::bigint")
_CHANGED: Final = text(
    """
    SELECT transaction, array_agg(DISTINCT order_id) FROM order_events
    WHERE transaction >= :start AND transaction < :stop
    GROUP BY transaction ORDER BY transaction LIMIT :most
    """
)
_NEW_EVENTS: Final = text(
    """
    SELECT e.order_id, e.seq, e.transaction, e.shipment, e.data, s.status, o.customer_reference
    FROM unnest(CAST(:orders AS uuid[]), CAST(:told AS int[])) AS w(order_id, told)
    JOIN order_events e ON e.order_id = w.order_id AND e.seq > w.told AND e.transaction >= :watermark
    LEFT JOIN orders o ON o.id = e.order_id
    LEFT JOIN shipments s ON s.order_id = e.order_id AND s.number = e.shipment
    ORDER BY e.order_id, e.seq
    """
)
_FRAUD_SEQ: Final = text("SELECT last_seq FROM fraud_settings WHERE id = 1")


@dataclass(frozen=True, slots=True)
class ShipmentChange:
    """That a shipment changed, with every status it had before or has after; what it is now must be read anew."""

    order_id: UUID
    number: int
    statuses: frozenset[str]


@dataclass(frozen=True, slots=True)
class LoggedEvent:
    """An event as it stands in the log; `status` is its shipment's now, None where it is about the order."""

    order_id: UUID
    seq: int
    transaction: int
    shipment: int | None
    data: Mapping[str, Any]
    status: str | None
    customer_reference: str | None

    def shipment_changes(self) -> Iterator[ShipmentChange]:
        """One of the shipment it is about; one of each that it opened; none where it is about the order alone."""
        if self.shipment is not None:
            told = (self.data.get("from"), self.data.get("to"), self.status)
            yield ShipmentChange(self.order_id, self.shipment, frozenset(status for status in told if status))
        for part in self.data.get("shipments", ()):
            yield ShipmentChange(self.order_id, part["shipment"], frozenset({str(ShipmentStatus.PENDING)}))


async def horizon(conn: AsyncConnection) -> int:
    """The oldest transaction still open: all below it have ended, and what they wrote can be read."""
    oldest: int = (await conn.execute(_HORIZON)).scalar_one()
    return oldest


async def orders_changed(conn: AsyncConnection, start: int, stop: int, *, most: int) -> tuple[set[UUID], int]:
    """Orders with events of the first `most` transactions from `start` on, below `stop`; and where to go on."""
    rows = (await conn.execute(_CHANGED, {"start": start, "stop": stop, "most": most})).all()
    changed = {order_id for _, order_ids in rows for order_id in order_ids}
    return changed, rows[-1][0] + 1 if len(rows) == most else stop


async def new_events(conn: AsyncConnection, told: Mapping[UUID, int], watermark: int) -> list[LoggedEvent]:
    """Events of the orders beyond the number each was told last (0: none), by order and number.

    Events of transactions below the watermark are left out, so nobody hears of an order's past.
    """
    keys = {"orders": list(told), "told": list(told.values()), "watermark": watermark}
    return [LoggedEvent(*row) for row in await conn.execute(_NEW_EVENTS, keys)]


async def fraud_settings_seq(conn: AsyncConnection) -> int:
    """How often the fraud settings were changed."""
    seq: int = (await conn.execute(_FRAUD_SEQ)).scalar_one()
    return seq
