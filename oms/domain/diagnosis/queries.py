"""What might stand still, read from open work, open shipments and open orders, never from all orders."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from oms.domain.concept.registry import registered
from oms.domain.diagnosis.causes import waiting_for
from oms.domain.diagnosis.model import BACKLOG, OpenWork, Standstill, Subject, Thresholds, diagnose
from oms.domain.order.events import SHIPMENT_PART
from oms.domain.order.model import ORDER
from oms.domain.order.shipment import SHIPMENT
from oms.domain.vocabulary.machine import sql_list
from oms.domain.work.store import ALIVE
from oms.platform.db import Database

MAX_EXAMINED: Final = 1000
"""Subjects of each kind; in an outage the first thousand show what is wrong."""

# An order has moved when its last event happened, a shipment when it was updated.
_SUBJECT: Final = """
    o.id AS order_id, o.reference, coalesce(s.number, 0) AS shipment, coalesce(s.status, o.status) AS status,
    coalesce(s.updated_at,
             (SELECT at FROM order_events e WHERE e.order_id = o.id AND e.seq = o.last_seq), o.placed_at) AS moved_at
"""
_WITH_WORK: Final = """
    SELECT {subject}, w.subject_id, w.queue, w.step, w.attempt, w.due_at, w.leased_until, w.held, w.parked_at,
           w.last_error
    FROM work w LEFT JOIN orders o ON o.id = w.subject_id
    LEFT JOIN shipments s ON s.order_id = w.subject_id AND s.number = w.part AND w.queue = ANY(:shipment_queues)
    WHERE {which}
    ORDER BY w.due_at LIMIT :limit
"""
_LONG_OPEN: Final = """
    (w.due_at < :work_before OR w.parked_at IS NOT NULL OR w.held OR w.last_error IS NOT NULL
     OR w.queue = ANY(:waiting_queues) AND o.placed_at < :people_before)
"""
# What waits for people, and what is open although no work is due.
_WITHOUT_WORK: Final = f"""
    (SELECT {{subject}}
     FROM shipments s JOIN orders o ON o.id = s.order_id
     WHERE s.status = ANY(:waiting_statuses) AND s.updated_at < :waiting_before AND {{which}}
     ORDER BY s.updated_at LIMIT :limit)
    UNION ALL
    (SELECT {{subject}}
     FROM shipments s JOIN orders o ON o.id = s.order_id
     WHERE s.status = 'PENDING' AND o.status = 'PROCESSING' AND {{which}}
       AND NOT EXISTS (SELECT FROM work w WHERE w.subject_id = s.order_id AND w.part = s.number)
     LIMIT :limit)
    UNION ALL
    (SELECT {{subject}}
     FROM orders o LEFT JOIN shipments s ON false
     WHERE {{which}}
       AND (o.status IN ('PENDING', 'CUSTOMER_ACTION_REQUIRED')
            AND NOT EXISTS (SELECT FROM work w WHERE w.subject_id = o.id AND w.part = 0)
         OR o.status = 'PROCESSING'
            AND NOT EXISTS (SELECT FROM shipments open WHERE open.order_id = o.id
                            AND open.status IN ({sql_list(SHIPMENT.open)})))
     LIMIT :limit)
"""  # noqa: S608 - statuses of the machines
_OPEN: Final = f"o.status IN ({sql_list(ORDER.open)})"
_THIS_ORDER: Final = "o.id = :order_id"

_SERVED: Final = text(f"SELECT DISTINCT unnest(queues) FROM workers WHERE {ALIVE}")  # noqa: S608 - a constant
_CLOCK: Final = text("SELECT clock_timestamp()")


@dataclass(frozen=True, slots=True)
class Diagnosis:
    """What stands still, longest first. `is_whole`: every subject that might stand still was examined."""

    standstills: list[Standstill]
    is_whole: bool


async def standstills(db: Database, thresholds: Thresholds) -> Diagnosis:
    """What has stood still for longer than it should, among MAX_EXAMINED subjects of each kind."""
    async with db.reading() as conn:
        return await _diagnosed(conn, thresholds, _LONG_OPEN, _OPEN, {})


async def of_order(db: Database, reference: str) -> Diagnosis | None:
    """What one order waits for now, however briefly; empty if for nothing. None: there is no such order."""
    async with db.reading() as conn:
        order_id = (await conn.execute(_FIND, {"reference": reference})).scalar_one_or_none()
        if order_id is None:
            return None
        return await _diagnosed(conn, Thresholds(everything=True), _THIS_ORDER, _THIS_ORDER, {"order_id": order_id})


_FIND: Final = text("SELECT order_id FROM order_references WHERE reference = :reference ORDER BY owner LIMIT 1")
"""The shop's reference, or else one that a customer chose."""


async def _diagnosed(
    conn: AsyncConnection, thresholds: Thresholds, with_work: str, without_work: str, values: dict[str, Any]
) -> Diagnosis:
    at: datetime = (await conn.execute(_CLOCK)).scalar_one()
    served = {name for (name,) in await conn.execute(_SERVED)}
    kinds, waiting = registered().work_kinds.values(), waiting_for()
    people = [kind.waits_for_people for kind in kinds if kind.waits_for_people]
    values = values | {
        "limit": MAX_EXAMINED,
        "work_before": at - thresholds.of(BACKLOG),
        "people_before": at - min((thresholds.of(cause) for cause in people), default=timedelta(0)),
        "waiting_before": at - min((thresholds.of(cause) for cause in waiting.values()), default=timedelta(0)),
        "waiting_statuses": [status for part, status in waiting if part == SHIPMENT_PART],
        "waiting_queues": [kind.queue for kind in kinds if kind.waits_for_people],
        "shipment_queues": [kind.queue for kind in kinds if kind.part == SHIPMENT_PART],
    }
    working = text(_WITH_WORK.format(subject=_SUBJECT, which=with_work))
    resting = text(_WITHOUT_WORK.format(subject=_SUBJECT, which=without_work))
    at_work = [_working(row) for row in await conn.execute(working, values)]
    at_rest = [_resting(row) for row in await conn.execute(resting, values)]
    found = (diagnose(subject, at, thresholds, served, waiting) for subject in (*at_work, *at_rest))
    standing = sorted((standstill for standstill in found if standstill), key=lambda standstill: standstill.since)
    return Diagnosis(standing, is_whole=max(len(at_work), len(at_rest)) < MAX_EXAMINED)


def _working(row: Any) -> Subject:
    order_id, reference, shipment, status, moved_at, subject_id, queue, step, attempts, due_at, *rest = row
    kind = registered().work_kinds[queue]
    work = OpenWork(kind, kind.steps(step), attempts, due_at, *rest)
    if order_id is None:
        return Subject(None, f"{kind.subject} {subject_id}", 0, "", due_at, work)
    return Subject(order_id, reference, shipment, status, moved_at, work)


def _resting(row: Any) -> Subject:
    order_id, reference, shipment, status, moved_at = row
    return Subject(order_id, reference, shipment, status, moved_at, None)
