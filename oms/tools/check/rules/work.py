"""Rule 9: no state is without an exit; work that keeps failing is parked where support sees why."""

from typing import Final

from oms.tools.check.check import Check, Kind
from oms.tools.check.sql import ENDED_SHIPMENT, shipment_id, work_id

_CALLED_FOR: Final = f"""
    called_for(order_id, shipment, queue, step) AS (
        SELECT id, 0, 'allocation', 'ALLOCATE' FROM orders WHERE status = 'PENDING'
        UNION ALL
        SELECT id, 0, 'deadlines', 'EXPIRE' FROM orders WHERE status = 'CUSTOMER_ACTION_REQUIRED'
        UNION ALL
        SELECT s.order_id, s.number, 'billing', 'CHARGE' FROM shipments s JOIN orders o ON o.id = s.order_id
        WHERE s.status = 'PENDING' AND s.payment_status = 'PENDING' AND o.status = 'PROCESSING'
        UNION ALL
        SELECT order_id, number, 'billing', 'SETTLE' FROM shipments WHERE payment_status = 'CHARGING'
        UNION ALL
        SELECT order_id, number, 'billing', 'REFUND' FROM shipments
        WHERE payment_status = 'SUCCEEDED' AND status IN {ENDED_SHIPMENT}
        UNION ALL
        SELECT order_id, number, 'booking', 'BOOK' FROM shipments
        WHERE payment_status = 'SUCCEEDED' AND status = 'PENDING'
        UNION ALL
        SELECT order_id, number, 'booking', 'RELEASE' FROM shipments WHERE booking_open AND status IN {ENDED_SHIPMENT})
"""

CHECKS: Final = (
    Check(
        "9",
        "Work is called for by the state of its subject, and is the step that state needs",
        "work",
        "work",
        f"""
        WITH {_CALLED_FOR}
        SELECT {work_id("w")}, format('%s, where %s is called for', w.step, coalesce(c.step, 'nothing'))
        FROM work w LEFT JOIN called_for c
            ON (c.order_id, c.shipment, c.queue) = (w.order_id, w.shipment, w.queue)
        WHERE w.step IS DISTINCT FROM c.step AND EXISTS (SELECT FROM orders o WHERE o.id = w.order_id)
        """,
    ),
    Check(
        "9",
        "An ended shipment that a courier may hold a booking for has work that gives it up",
        "ended shipments with a booking",
        f"shipments WHERE booking_open AND status IN {ENDED_SHIPMENT}",
        f"""
        SELECT {shipment_id("s.order_id", "s.number")}, format('%s, no work in the queue booking', s.status)
        FROM shipments s WHERE s.booking_open AND s.status IN {ENDED_SHIPMENT} AND NOT EXISTS (
            SELECT FROM work w WHERE (w.order_id, w.shipment, w.queue) = (s.order_id, s.number, 'booking'))
        """,
    ),
    Check(
        "9",
        "Parked work says why, and its order's trail tells that it was parked",
        "parked work",
        "work WHERE parked_at IS NOT NULL",
        f"""
        WITH told AS (
            SELECT order_id, coalesce(shipment, 0) AS shipment, data->>'queue' AS queue,
                   (array_agg(type ORDER BY seq DESC))[1] AS last_type
            FROM order_events WHERE type IN ('WorkParked', 'WorkRetried') GROUP BY 1, 2, 3)
        SELECT {work_id("w")}, format('last error %s, told by %s', coalesce(nullif(btrim(w.last_error), ''), 'none'),
                                      coalesce(t.last_type, 'no event'))
        FROM work w LEFT JOIN told t ON (t.order_id, t.shipment, t.queue) = (w.order_id, w.shipment, w.queue)
        WHERE w.parked_at IS NOT NULL
          AND (coalesce(btrim(w.last_error), '') = '' OR t.last_type IS DISTINCT FROM 'WorkParked')
        """,
    ),
    Check(
        "9",
        "Work is held for the end of maintenance only while its charge says so",
        "held work",
        "work WHERE held",
        f"""
        SELECT {work_id("w")}, format('payment %s, reason %s', s.payment_status, s.payment_reason)
        FROM work w LEFT JOIN shipments s ON (s.order_id, s.number) = (w.order_id, w.shipment)
        WHERE w.held AND (w.queue, w.step, s.payment_status, s.payment_reason)
            IS DISTINCT FROM ('billing', 'CHARGE', 'PENDING', 'FRAUD_MAINTENANCE')
        """,
    ),
    Check(
        "9",
        "A lease belongs to a claim and ends within an hour",
        "work",
        "work",
        f"""
        SELECT {work_id("w")}, format('claim %s, leased until %s', w.claim, w.leased_until) FROM work w
        WHERE (w.claim IS NULL) <> (w.leased_until IS NULL)
           OR w.leased_until > clock_timestamp() + interval '1 hour'
        """,
    ),
    Check(
        "9",
        "A lease that ended an hour ago waits for a worker to take over",
        "leased work",
        "work WHERE claim IS NOT NULL",
        f"""
        SELECT {work_id("w")}, format('leased until %s', w.leased_until) FROM work w
        WHERE w.leased_until < clock_timestamp() - interval '1 hour' AND w.parked_at IS NULL
        """,
        Kind.NOTE,
    ),
)
