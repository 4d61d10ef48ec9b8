"""The events of all orders as one stream, for live pages.

There is no global position: a transaction that began earlier may commit later. A reader therefore keeps a
*watermark*: every transaction below it has ended and was read. It never passes the *horizon*, the oldest transaction
that is still open, nor the last transaction with an event: after a crash, PostgreSQL gives the numbers of transactions
that left no trace on disk again. Within an order, events are numbered without gaps under the order's lock.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from oms.domain.order.events import SHIPMENT_PART
from oms.domain.order.shipment import ShipmentStatus

_HORIZON: Final = text(
    """
    SELECT pg_snapshot_xmin(pg_current_snapshot())::text::bigint,
           CASE WHEN NOT pg_is_in_recovery() THEN left(pg_walfile_name(pg_current_wal_lsn()), 8) END
    """
)
_LAST: Final = text("SELECT coalesce(max(transaction), 0) FROM order_events")
_CHANGED: Final = text(
    """
    SELECT transaction, array_agg(DISTINCT order_id) FROM order_events
    WHERE transaction >= :start AND transaction < :stop
    GROUP BY transaction ORDER BY transaction LIMIT :limit
    """
)
_NEW_EVENTS: Final = text(
    f"""
    SELECT e.order_id, e.seq, e.transaction, s.number, e.data, s.status, o.customer_reference
    FROM unnest(CAST(:orders AS uuid[]), CAST(:sent AS int[])) AS w(order_id, sent)
    JOIN order_events e ON e.order_id = w.order_id AND e.seq > w.sent AND e.transaction >= :watermark
    LEFT JOIN orders o ON o.id = e.order_id
    LEFT JOIN shipments s ON s.order_id = e.order_id AND e.subject = '{SHIPMENT_PART}/' || s.number
    ORDER BY e.order_id, e.seq
    """  # noqa: S608 - a constant
)
_FRAUD_SEQ: Final = text("SELECT last_seq FROM fraud_settings WHERE id = 1")


@dataclass(frozen=True, slots=True)
class ShipmentChange:
    """A shipment changed. `statuses`: all that it had before, or has since; read it again to know its state."""

    order_id: UUID
    number: int
    statuses: frozenset[str]


@dataclass(frozen=True, slots=True)
class LoggedEvent:
    """An event in the log. `shipment` and its present `status` are None if it concerns the order itself."""

    order_id: UUID
    seq: int
    transaction: int
    shipment: int | None
    data: Mapping[str, Any]
    status: str | None
    customer_reference: str | None

    def shipment_changes(self) -> Iterator[ShipmentChange]:
        """Of the shipment that it concerns, and of each that it opened."""
        if self.shipment is not None:
            named = (self.data.get("from"), self.data.get("to"), self.status)
            yield ShipmentChange(self.order_id, self.shipment, frozenset(status for status in named if status))
        for part in self.data.get("shipments", ()):
            yield ShipmentChange(self.order_id, part["shipment"], frozenset({str(ShipmentStatus.PENDING)}))


@dataclass(frozen=True, slots=True)
class Horizon:
    """`transaction`: the oldest one still open; those below it have ended, so what they wrote can be read.

    `timeline`: another one after a fail-over or a restore, whose server may lack the last transactions of the old one.
    """

    transaction: int
    timeline: str | None


async def horizon(conn: AsyncConnection) -> Horizon:
    """As of now."""
    return Horizon(*(await conn.execute(_HORIZON)).one())


async def last_transaction(conn: AsyncConnection) -> int:
    """The highest transaction with an event that can be read; 0 if there is none."""
    last: int = (await conn.execute(_LAST)).scalar_one()
    return last


async def orders_changed(
    conn: AsyncConnection, start: int, stop: int, *, limit: int
) -> tuple[set[UUID], int, int | None]:
    """Orders with events of the first `limit` transactions from `start`, below `stop`.

    Also where to continue, and the last of these transactions, if there is one.
    """
    rows = (await conn.execute(_CHANGED, {"start": start, "stop": stop, "limit": limit})).all()
    changed = {order_id for _, order_ids in rows for order_id in order_ids}
    last = rows[-1][0] if rows else None
    return changed, last + 1 if last is not None and len(rows) == limit else stop, last


async def new_events(conn: AsyncConnection, sent: Mapping[UUID, int], watermark: int) -> list[LoggedEvent]:
    """Events after the number that was `sent` last for each order (0: none), by order and number.

    Events of transactions below the watermark are left out: subscribers receive nothing of an order's past.
    """
    keys = {"orders": list(sent), "sent": list(sent.values()), "watermark": watermark}
    return [LoggedEvent(*row) for row in await conn.execute(_NEW_EVENTS, keys)]


async def fraud_settings_seq(conn: AsyncConnection) -> int:
    """How often the fraud settings were changed."""
    seq: int = (await conn.execute(_FRAUD_SEQ)).scalar_one()
    return seq
