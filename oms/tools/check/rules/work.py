"""Rule 9: no state is without an exit; work that keeps failing is parked, and support sees why."""

from typing import Final

from oms.tools.check.check import Check, Kind
from oms.tools.check.sql import ENDED_SHIPMENT, number_of, shipment_id, work_id

CALLED_FOR: Final = (
    "SELECT id, 0, 'allocation', 'ALLOCATE', false FROM orders WHERE status = 'PENDING'",
    "SELECT id, 0, 'deadlines', 'EXPIRE', false FROM orders WHERE status = 'CUSTOMER_ACTION_REQUIRED'",
    """
    SELECT s.order_id, s.number, 'billing', 'CHARGE', s.payment_reason IS NOT DISTINCT FROM 'FRAUD_MAINTENANCE'
    FROM shipments s JOIN orders o ON o.id = s.order_id
    WHERE s.status = 'PENDING' AND s.payment_status = 'PENDING' AND o.status = 'PROCESSING'
    """,
    "SELECT order_id, number, 'billing', 'SETTLE', false FROM shipments WHERE payment_status = 'CHARGING'",
    f"""
    SELECT order_id, number, 'billing', 'REFUND', false FROM shipments
    WHERE payment_status = 'SUCCEEDED' AND status IN {ENDED_SHIPMENT}
    """,
    """
    SELECT order_id, number, 'booking', 'BOOK', false FROM shipments
    WHERE payment_status = 'SUCCEEDED' AND status = 'PENDING'
    """,
    f"""
    SELECT order_id, number, 'booking', 'RELEASE', false FROM shipments
    WHERE booking_open AND status IN {ENDED_SHIPMENT}
    """,
)

CHECKS: Final = (
    Check(
        "9",
        "An ended shipment with an open booking has work to release it",
        "ended shipments with a booking",
        f"shipments WHERE booking_open AND status IN {ENDED_SHIPMENT}",
        f"""
        SELECT {shipment_id("s.order_id", "s.number")}, format('%s, no work in the queue booking', s.status)
        FROM shipments s WHERE s.booking_open AND s.status IN {ENDED_SHIPMENT} AND NOT EXISTS (
            SELECT FROM work w WHERE (w.subject_id, w.part, w.queue) = (s.order_id, s.number, 'booking'))
        """,
    ),
    Check(
        "9",
        "Parked work has an error, and its order has an event that says so",
        "parked work",
        "work WHERE parked_at IS NOT NULL",
        f"""
        WITH last AS (
            SELECT order_id, coalesce(nullif({number_of("subject")}, ''), '0')::int AS part, data->>'queue' AS queue,
                   (array_agg(type ORDER BY seq DESC))[1] AS type
            FROM order_events WHERE type IN ('WorkParked', 'WorkRetried') GROUP BY 1, 2, 3)
        SELECT {work_id("w")}, format('last error %s, last event %s', coalesce(nullif(btrim(w.last_error), ''), 'none'),
                                      coalesce(l.type, 'none'))
        FROM work w LEFT JOIN last l ON (l.order_id, l.part, l.queue) = (w.subject_id, w.part, w.queue)
        WHERE w.parked_at IS NOT NULL
          AND (coalesce(btrim(w.last_error), '') = ''
               OR (l.type IS DISTINCT FROM 'WorkParked' AND EXISTS (SELECT FROM orders o WHERE o.id = w.subject_id)))
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
        "A lease ended more than an hour ago and still waits for a worker",
        "leased work",
        "work WHERE claim IS NOT NULL",
        f"""
        SELECT {work_id("w")}, format('leased until %s', w.leased_until) FROM work w
        WHERE w.leased_until < clock_timestamp() - interval '1 hour' AND w.parked_at IS NULL
        """,
        Kind.NOTE,
    ),
)
