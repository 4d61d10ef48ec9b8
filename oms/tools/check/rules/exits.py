"""Rule 1: an acknowledged order is never lost and always reaches a final status once its shipments can."""

from typing import Final

from oms.tools.check.check import Check, Kind
from oms.tools.check.sql import FINAL_ORDER, FINAL_SHIPMENT, order_id, shipment_id, work_id

CHECKS: Final = (
    Check(
        "1",
        "A pending order has work that will allocate it",
        "pending orders",
        "orders WHERE status = 'PENDING'",
        f"""
        SELECT {order_id("o.id")}, 'no work in the queue allocation' FROM orders o
        WHERE o.status = 'PENDING' AND NOT EXISTS (
            SELECT FROM work w WHERE (w.subject_id, w.part, w.queue) = (o.id, 0, 'allocation'))
        """,
    ),
    Check(
        "1",
        "An amended order has work that falls due at its deadline, or later after a failed attempt",
        "amended orders",
        "orders WHERE status = 'CUSTOMER_ACTION_REQUIRED'",
        f"""
        SELECT {order_id("o.id")}, format('the deadline is %s, its work is due %s', o.action_deadline,
                                          coalesce(w.due_at::text, 'never'))
        FROM orders o LEFT JOIN work w ON (w.subject_id, w.part, w.queue) = (o.id, 0, 'deadlines')
        WHERE o.status = 'CUSTOMER_ACTION_REQUIRED'
          AND (w.subject_id IS NULL OR w.due_at < o.action_deadline
               OR (w.due_at > o.action_deadline AND w.attempt = 0 AND w.last_error IS NULL))
        """,
    ),
    Check(
        "1",
        "A pending shipment of an order in process has work: billing, or booking once it is paid",
        "pending shipments of orders in process",
        "shipments s JOIN orders o ON o.id = s.order_id WHERE s.status = 'PENDING' AND o.status = 'PROCESSING'",
        f"""
        SELECT {shipment_id("s.order_id", "s.number")}, format('payment %s, no work for it', s.payment_status)
        FROM shipments s JOIN orders o ON o.id = s.order_id
        WHERE s.status = 'PENDING' AND o.status = 'PROCESSING' AND NOT EXISTS (
            SELECT FROM work w WHERE (w.subject_id, w.part) = (s.order_id, s.number)
            AND w.queue = CASE s.payment_status WHEN 'SUCCEEDED' THEN 'booking' ELSE 'billing' END)
        """,
    ),
    Check(
        "1",
        "An order in process has a shipment that is not final",
        "orders in process",
        "orders WHERE status = 'PROCESSING'",
        f"""
        SELECT {order_id("o.id")}, 'all shipments are final, and it is not closed' FROM orders o
        WHERE o.status = 'PROCESSING' AND NOT EXISTS (
            SELECT FROM shipments s WHERE s.order_id = o.id AND s.status NOT IN {FINAL_SHIPMENT})
        """,
    ),
    Check(
        "1",
        "No shipment of an open order is ahead of the order",
        "open orders",
        f"orders WHERE status NOT IN {FINAL_ORDER}",
        f"""
        SELECT {shipment_id("s.order_id", "s.number")}, format('%s in an order that is %s', s.status, o.status)
        FROM shipments s JOIN orders o ON o.id = s.order_id
        WHERE o.status = 'PENDING'
           OR (o.status = 'CUSTOMER_ACTION_REQUIRED' AND s.status <> 'PENDING')
           OR (o.status = 'PROCESSING' AND s.status = 'CANCELLED')
        """,
    ),
    Check(
        "1",
        "An order has an instant of closing if and only if its status is final",
        "orders",
        "orders",
        f"""
        SELECT {order_id("id")}, format('%s, closed at %s', status, coalesce(closed_at::text, 'no instant'))
        FROM orders WHERE (status IN {FINAL_ORDER}) <> (closed_at IS NOT NULL)
        """,
    ),
    Check(
        "1",
        "Every shipment of a closed order is final",
        "closed orders",
        f"orders WHERE status IN {FINAL_ORDER}",
        f"""
        SELECT {shipment_id("s.order_id", "s.number")}, format('%s in an order that is %s', s.status, o.status)
        FROM shipments s JOIN orders o ON o.id = s.order_id
        WHERE o.status IN {FINAL_ORDER} AND s.status NOT IN {FINAL_SHIPMENT}
        """,
    ),
    Check(
        "1",
        "A final status agrees with the statuses of the shipments",
        "closed orders",
        f"orders WHERE status IN {FINAL_ORDER}",
        f"""
        WITH ended AS (
            SELECT order_id, count(*) FILTER (WHERE status = 'DELIVERED') AS delivered,
                   count(*) FILTER (WHERE status = 'FAILED') AS failed,
                   count(*) FILTER (WHERE status = 'CANCELLED') AS cancelled, count(dispatched_at) AS dispatched
            FROM shipments GROUP BY order_id),
        closed AS (
            SELECT o.id, o.status, coalesce(e.delivered, 0) AS delivered, coalesce(e.failed, 0) AS failed,
                   coalesce(e.cancelled, 0) AS cancelled, coalesce(e.dispatched, 0) AS dispatched
            FROM orders o LEFT JOIN ended e ON e.order_id = o.id WHERE o.status IN {FINAL_ORDER})
        SELECT {order_id("id")}, format('%s with %s shipments delivered, %s failed, %s cancelled, %s dispatched',
                                        status, delivered, failed, cancelled, dispatched)
        FROM closed WHERE NOT CASE status
            WHEN 'COMPLETED' THEN delivered > 0 AND cancelled = 0
            WHEN 'FAILED' THEN failed > 0 AND delivered = 0 AND cancelled = 0
            WHEN 'CANCELLED' THEN delivered = 0 AND dispatched = 0
            ELSE delivered = 0 AND failed = 0 AND dispatched = 0 END
        """,
    ),
    Check(
        "1",
        "Parked work waits for support",
        "work",
        "work",
        f"""
        SELECT {work_id("w")}, format('since %s: %s', w.parked_at, w.last_error)
        FROM work w WHERE w.parked_at IS NOT NULL
        """,
        Kind.NOTE,
    ),
)
