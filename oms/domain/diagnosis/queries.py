"""What might stand still, read from open work, open shipments and open orders: never from all orders there are."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from oms.domain.diagnosis.model import OpenWork, Patience, Standstill, Subject, diagnose
from oms.domain.work.model import Queue, Step
from oms.domain.work.store import ALIVE
from oms.platform.db import Database

MOST_LOOKED_AT: Final = 1000
"""Subjects of each kind: on a bad day the first thousand tell what is wrong."""

# An order has moved when its last event happened, a shipment when it was updated.
_SUBJECT: Final = """
    o.id AS order_id, o.reference, coalesce(s.number, 0) AS shipment, coalesce(s.status, o.status) AS status,
    coalesce(s.updated_at,
             (SELECT at FROM order_events e WHERE e.order_id = o.id AND e.seq = o.last_seq), o.placed_at) AS moved_at
"""
_WITH_WORK: Final = """
    SELECT {subject}, w.queue, w.step, w.attempt, w.due_at, w.leased_until, w.held, w.parked_at, w.last_error
    FROM work w JOIN orders o ON o.id = w.order_id
    LEFT JOIN shipments s ON s.order_id = w.order_id AND s.number = w.shipment
    WHERE {which}
    ORDER BY w.due_at LIMIT :most
"""
_LONG_OPEN: Final = """
    (w.due_at < :work_before OR w.parked_at IS NOT NULL OR w.held OR w.last_error IS NOT NULL
     OR w.step = 'EXPIRE' AND o.placed_at < :asked_before)
"""
# What a courier has; and what nothing is under way for though it is open.
_WITHOUT_WORK: Final = """
    (SELECT {subject}
     FROM shipments s JOIN orders o ON o.id = s.order_id
     WHERE s.status IN ('BOOKED', 'DISPATCHED') AND s.updated_at < :carried_before AND {which}
     ORDER BY s.updated_at LIMIT :most)
    UNION ALL
    (SELECT {subject}
     FROM shipments s JOIN orders o ON o.id = s.order_id
     WHERE s.status = 'PENDING' AND o.status = 'PROCESSING' AND {which}
       AND NOT EXISTS (SELECT FROM work w WHERE w.order_id = s.order_id AND w.shipment = s.number)
     LIMIT :most)
    UNION ALL
    (SELECT {subject}
     FROM orders o LEFT JOIN shipments s ON false
     WHERE {which}
       AND (o.status IN ('PENDING', 'CUSTOMER_ACTION_REQUIRED')
            AND NOT EXISTS (SELECT FROM work w WHERE w.order_id = o.id AND w.shipment = 0)
         OR o.status = 'PROCESSING'
            AND NOT EXISTS (SELECT FROM shipments open WHERE open.order_id = o.id
                            AND open.status IN ('PENDING', 'BOOKED', 'DISPATCHED')))
     LIMIT :most)
"""
_OPEN: Final = "o.status IN ('PENDING', 'CUSTOMER_ACTION_REQUIRED', 'PROCESSING')"
_THIS_ORDER: Final = "o.id = :order_id"

_SERVED: Final = text(f"SELECT DISTINCT unnest(queues) FROM workers WHERE {ALIVE}")  # noqa: S608 - a constant
_CLOCK: Final = text("SELECT clock_timestamp()")


@dataclass(frozen=True, slots=True)
class Diagnosis:
    """What stands still, longest first. `is_whole`: no more could be found than was looked at."""

    standstills: list[Standstill]
    is_whole: bool


async def standstills(db: Database, patience: Patience) -> Diagnosis:
    """What has stood for longer than it should, among MOST_LOOKED_AT subjects of each kind."""
    async with db.reading() as conn:
        return await _diagnosed(conn, patience, _LONG_OPEN, _OPEN, {})


async def of_order(db: Database, reference: str) -> Diagnosis | None:
    """What one order waits for at present, however short, nothing where all is done; None: there is no such order."""
    async with db.reading() as conn:
        order_id = (await conn.execute(_FIND, {"reference": reference})).scalar_one_or_none()
        if order_id is None:
            return None
        return await _diagnosed(conn, Patience.none(), _THIS_ORDER, _THIS_ORDER, {"order_id": order_id})


_FIND: Final = text("SELECT order_id FROM order_references WHERE reference = :reference")


async def _diagnosed(
    conn: AsyncConnection, patience: Patience, with_work: str, without_work: str, values: dict[str, Any]
) -> Diagnosis:
    at: datetime = (await conn.execute(_CLOCK)).scalar_one()
    served = {Queue(name) for (name,) in await conn.execute(_SERVED)}
    values = values | {
        "most": MOST_LOOKED_AT,
        "work_before": at - patience.work,
        "asked_before": at - patience.answer,
        "carried_before": at - min(patience.pickup, patience.delivery),
    }
    working = text(_WITH_WORK.format(subject=_SUBJECT, which=with_work))
    resting = text(_WITHOUT_WORK.format(subject=_SUBJECT, which=without_work))
    at_work = [_working(row) for row in await conn.execute(working, values)]
    at_rest = [_resting(row) for row in await conn.execute(resting, values)]
    found = (diagnose(subject, at, patience, served) for subject in (*at_work, *at_rest))
    standing = sorted((standstill for standstill in found if standstill), key=lambda standstill: standstill.since)
    return Diagnosis(standing, is_whole=max(len(at_work), len(at_rest)) < MOST_LOOKED_AT)


def _working(row: Any) -> Subject:
    order_id, reference, shipment, status, moved_at, queue, step, *rest = row
    return Subject(order_id, reference, shipment, status, moved_at, OpenWork(Queue(queue), Step(step), *rest))


def _resting(row: Any) -> Subject:
    order_id, reference, shipment, status, moved_at = row
    return Subject(order_id, reference, shipment, status, moved_at, None)
