"""Rule 7: each deadline acts exactly once, never early, even after days of downtime."""

from typing import Final

from oms.tools.check.check import Check, Kind
from oms.tools.check.sql import event_id, order_id

LATE_S: Final = 10

_DEADLINES: Final = """
    deadlines AS (
        SELECT order_id, min((data->>'deadline')::timestamptz) AS at
        FROM order_events WHERE type = 'ItemsUnavailable' GROUP BY order_id)
"""

CHECKS: Final = (
    Check(
        "7",
        "A waiting order's deadline is that of its offer; no other order has a deadline",
        "orders",
        "orders",
        f"""
        WITH {_DEADLINES}
        SELECT {order_id("o.id")}, format('%s, deadline %s, its offer says %s', o.status, o.action_deadline, d.at)
        FROM orders o LEFT JOIN deadlines d ON d.order_id = o.id
        WHERE o.action_deadline IS DISTINCT FROM CASE o.status WHEN 'CUSTOMER_ACTION_REQUIRED' THEN d.at END
           OR (o.status = 'CUSTOMER_ACTION_REQUIRED' AND d.at IS NULL)
        """,
    ),
    Check(
        "7",
        "An order times out after its deadline, and once",
        "orders that timed out",
        "order_events WHERE type = 'OrderTimedOut'",
        f"""
        WITH {_DEADLINES},
        acted AS (
            SELECT *, count(*) OVER (PARTITION BY order_id) AS times FROM order_events WHERE type = 'OrderTimedOut')
        SELECT {event_id("e")}, format('timed out at %s, deadline %s, %s times', e.at, d.at, e.times)
        FROM acted e LEFT JOIN deadlines d USING (order_id)
        WHERE d.at IS NULL OR e.at <= d.at OR e.times > 1
        """,
    ),
    Check(
        "7",
        "An amended order is accepted no later than its deadline",
        "accepted orders",
        "order_events WHERE type = 'AmendmentAccepted'",
        f"""
        WITH {_DEADLINES}
        SELECT {event_id("e")}, format('accepted at %s, deadline %s', e.at, d.at)
        FROM order_events e LEFT JOIN deadlines d USING (order_id)
        WHERE e.type = 'AmendmentAccepted' AND (d.at IS NULL OR e.at > d.at)
        """,
    ),
    Check(
        "7",
        f"A deadline passed more than {LATE_S} s ago and still waits for a worker",
        "amended orders",
        "orders WHERE status = 'CUSTOMER_ACTION_REQUIRED'",
        f"""
        SELECT {order_id("o.id")}, format('waiting since %s', o.action_deadline)
        FROM orders o JOIN work w ON (w.subject_id, w.part, w.queue) = (o.id, 0, 'deadlines')
        WHERE o.status = 'CUSTOMER_ACTION_REQUIRED' AND w.parked_at IS NULL AND w.attempt = 0
          AND o.action_deadline < clock_timestamp() - interval '{LATE_S} s'
        """,
        Kind.NOTE,
    ),
)
