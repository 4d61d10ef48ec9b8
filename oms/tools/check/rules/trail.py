"""Rule 5: every change of status has exactly one event, and folding the events gives the current status."""

from typing import Final

from oms.tools.check.check import Check
from oms.tools.check.machines import (
    ALLOCATING_EVENTS,
    CLOSING_EVENTS,
    ORDER,
    PAYMENT,
    SHIPMENT,
    Machine,
    kept_payment_status,
)
from oms.tools.check.rules.access import ROLES
from oms.tools.check.sql import FINAL_ORDER, event_id, order_id, rows, shipment_id, texts


def _folded(machine: Machine, subject: str, condition: str) -> str:
    """All ways through a machine, and the trail of each subject (columns of order_events) as one text."""
    ways = [(way.events, way.steps, kept_payment_status(way.status)) for way in machine.ways()]
    return f"""
        ways(events, steps, status) AS (VALUES {rows(ways)}),
        trails AS (
            SELECT {subject}, string_agg(type, ' ' ORDER BY seq) AS events,
                   string_agg(type || CASE WHEN data ? 'from' OR data ? 'to' THEN concat(
                       '(', data->>'from', '>', data->>'to', ')') ELSE '()' END, ' ' ORDER BY seq) AS steps
            FROM order_events WHERE {condition} AND type IN {texts(sorted(machine.events))} GROUP BY {subject})
    """


_ORDERS: Final = _folded(ORDER, "order_id", "shipment IS NULL")
_SHIPMENTS: Final = _folded(SHIPMENT, "order_id, shipment", "shipment IS NOT NULL")
_PAYMENTS: Final = _folded(PAYMENT, "order_id, shipment", "shipment IS NOT NULL")
_SHIPMENT: Final = shipment_id("s.order_id", "s.number")


def _fold_of_shipments(ways: str, status: str) -> str:
    return f"""
        WITH {ways}
        SELECT {_SHIPMENT}, format('%s, its events give %s: %s', {status},
                                   coalesce(w.status, 'nothing, for they are no possible way'), t.events)
        FROM shipments s
        LEFT JOIN trails t ON (t.order_id, t.shipment) = (s.order_id, s.number)
        LEFT JOIN ways w ON w.events = coalesce(t.events, '')
        WHERE w.status IS DISTINCT FROM {status}
    """


CHECKS: Final = (
    Check(
        "5",
        "An order's events are numbered from 1 without gaps, up to the number that the order knows",
        "events",
        "order_events",
        f"""
        SELECT {order_id("o.id")}, format('last number %s; %s events, numbered %s to %s', o.last_seq,
                                          coalesce(n.events, 0), n.lowest, n.highest)
        FROM orders o LEFT JOIN (
            SELECT order_id, count(*) AS events, min(seq) AS lowest, max(seq) AS highest
            FROM order_events GROUP BY order_id) AS n ON n.order_id = o.id
        WHERE n.events IS NULL OR (n.lowest, n.highest, n.events) <> (1, o.last_seq, o.last_seq)
        """,
    ),
    Check(
        "5",
        "The first event, and no other, is OrderPlaced",
        "events",
        "order_events",
        f"""
        SELECT {event_id("e")}, e.type FROM order_events e WHERE (e.seq = 1) <> (e.type = 'OrderPlaced')
        """,
    ),
    Check(
        "5",
        "An order's events do not go back in time",
        "events",
        "order_events",
        f"""
        SELECT {event_id("e")}, format('at %s, the one before it at %s', e.at, e.earlier)
        FROM (SELECT *, lag(at) OVER (PARTITION BY order_id ORDER BY seq) AS earlier FROM order_events) AS e
        WHERE e.at < e.earlier
        """,
    ),
    Check(
        "5",
        "Every event has an actor, in a role that exists or none",
        "events",
        "order_events",
        f"""
        SELECT {event_id("e")}, format('%s by "%s" as %s', e.type, e.actor, e.actor_role) FROM order_events e
        WHERE btrim(e.actor) = '' OR e.actor_role NOT IN {texts(ROLES)}
        """,
    ),
    Check(
        "5",
        "Folding its events gives an order's status",
        "orders",
        "orders",
        f"""
        WITH {_ORDERS}
        SELECT {order_id("o.id")}, format('%s, its events give %s: %s', o.status,
                                          coalesce(w.status, 'nothing, for they are no possible way'), t.events)
        FROM orders o LEFT JOIN trails t ON t.order_id = o.id LEFT JOIN ways w ON w.events = t.events
        WHERE w.status IS DISTINCT FROM o.status
        """,
    ),
    Check(
        "5",
        "Folding its events gives a shipment's status",
        "shipments",
        "shipments",
        _fold_of_shipments(_SHIPMENTS, "s.status"),
    ),
    Check(
        "5",
        "Folding its events gives a payment's status",
        "payments",
        "shipments",
        _fold_of_shipments(_PAYMENTS, "s.payment_status"),
    ),
    Check(
        "5",
        "Each event tells from which status to which it led, and no other tells of one",
        "events",
        "order_events",
        f"""
        WITH {_ORDERS}
        SELECT {order_id("t.order_id")}, format('%s, possible is %s', t.steps, w.steps)
        FROM trails t JOIN ways w USING (events) WHERE t.steps <> w.steps
        UNION ALL
        (WITH {_SHIPMENTS}
        SELECT {shipment_id("t.order_id", "t.shipment")}, format('%s, possible is %s', t.steps, w.steps)
        FROM trails t JOIN ways w USING (events) WHERE t.steps <> w.steps)
        UNION ALL
        SELECT {event_id("e")}, format('%s tells of a change: %s', e.type, e.data) FROM order_events e
        WHERE (e.data ? 'from' OR e.data ? 'to')
          AND CASE WHEN e.shipment IS NULL THEN e.type NOT IN {texts(sorted(ORDER.events))}
                   ELSE e.type NOT IN {texts(sorted(SHIPMENT.events))} END
        """,
    ),
    Check(
        "5",
        "A charge is held only before it is started",
        "charges held",
        "order_events WHERE type = 'ChargeHeld'",
        f"""
        SELECT {event_id("e")}, 'the charge had been started or declined' FROM order_events e
        WHERE e.type = 'ChargeHeld' AND EXISTS (
            SELECT FROM order_events b WHERE (b.order_id, b.shipment) = (e.order_id, e.shipment) AND b.seq < e.seq
            AND b.type IN ('ChargeStarted', 'ChargeDeclined', 'ShipmentCancelled', 'ShipmentFailed'))
        """,
    ),
    Check(
        "5",
        "A closed order has one closing event, at the instant it was closed, and no change of status after it",
        "closed orders",
        f"orders WHERE status IN {FINAL_ORDER}",
        f"""
        WITH closings AS (
            SELECT order_id, count(*) AS events, min(seq) AS seq, min(at) AS at
            FROM order_events WHERE type IN {texts(CLOSING_EVENTS)} GROUP BY order_id)
        SELECT {order_id("o.id")}, format('closed at %s; %s closing events, the first at %s', o.closed_at,
                                          coalesce(c.events, 0), c.at)
        FROM orders o LEFT JOIN closings c ON c.order_id = o.id
        WHERE o.status IN {FINAL_ORDER} AND o.closed_at IS NOT NULL
          AND (c.events IS DISTINCT FROM 1 OR c.at <> o.closed_at)
        UNION ALL
        SELECT {event_id("e")}, format('%s after the order was closed', e.type)
        FROM order_events e JOIN closings c USING (order_id) WHERE e.seq > c.seq AND e.data ? 'to'
        """,
    ),
    Check(
        "5",
        "Shipments are those that the allocating event opened",
        "shipments",
        "shipments",
        f"""
        WITH opened AS (
            SELECT e.order_id, (part->>'shipment')::int AS number, part->>'warehouse' AS code
            FROM order_events e, jsonb_array_elements(e.data->'shipments') AS part
            WHERE e.type IN {texts(ALLOCATING_EVENTS)})
        SELECT {shipment_id("order_id", "number")}, format('from %s, opened from %s', coalesce(s.warehouse_code, '–'),
                                                           coalesce(p.code, '–'))
        FROM shipments s FULL JOIN opened p USING (order_id, number)
        WHERE s.warehouse_code IS DISTINCT FROM p.code
        """,
    ),
    Check(
        "5",
        "Instants kept with an order or a shipment are those of their events",
        "orders and shipments",
        "(SELECT FROM orders UNION ALL SELECT FROM shipments) AS every_row",
        f"""
        WITH told AS (
            SELECT order_id, shipment, min(at) FILTER (WHERE type = 'ShipmentBooked') AS booked_at,
                   min(at) FILTER (WHERE type = 'ShipmentDispatched') AS dispatched_at,
                   min(at) FILTER (WHERE type = 'ShipmentDelivered') AS delivered_at,
                   min(at) FILTER (WHERE type = 'ShipmentCharged') AS charged_at,
                   min(at) FILTER (WHERE type = 'ShipmentInvoiced') AS issued_at
            FROM order_events WHERE shipment IS NOT NULL GROUP BY order_id, shipment)
        SELECT {_SHIPMENT}, format(
            'invoiced, charged, booked, dispatched, delivered at %s, %s, %s, %s, %s; by its events %s, %s, %s, %s, %s',
            s.issued_at, s.charged_at, s.booked_at, s.dispatched_at, s.delivered_at,
            t.issued_at, t.charged_at, t.booked_at, t.dispatched_at, t.delivered_at)
        FROM shipments s LEFT JOIN told t ON (t.order_id, t.shipment) = (s.order_id, s.number)
        WHERE (s.issued_at, s.charged_at, s.booked_at, s.dispatched_at, s.delivered_at)
            IS DISTINCT FROM (t.issued_at, t.charged_at, t.booked_at, t.dispatched_at, t.delivered_at)
        UNION ALL
        SELECT {order_id("o.id")}, format('placed at %s, by its events %s', o.placed_at, e.at)
        FROM orders o JOIN order_events e ON (e.order_id, e.seq) = (o.id, 1) WHERE e.at <> o.placed_at
        """,
    ),
)
