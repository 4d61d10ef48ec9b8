"""Rule 5: every change of status has exactly one event, and folding the events gives the current status."""

from typing import Final

from oms.tools.check.check import Check
from oms.tools.check.folding import ITSELF, naming_another_change, not_folding_to
from oms.tools.check.machines import ALLOCATING_EVENTS, CLOSING_EVENTS, ORDER, PAYMENT, SHIPMENT
from oms.tools.check.roles import ROLES
from oms.tools.check.sql import FINAL_ORDER, event_id, order_id, shipment_id, shipment_subject, texts

_SHIPMENT: Final = {"row": "shipments s", "order": "s.order_id", "subject": shipment_subject("s")}

CHECKS: Final = (
    Check(
        "5",
        "An order's events are numbered from 1 without gaps, up to the order's last number",
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
        "Every event has an actor, and a role that exists or none",
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
        not_folding_to(ORDER, ITSELF, row="orders o", order="o.id", subject="''", status="o.status"),
    ),
    Check(
        "5",
        "Folding its events gives a shipment's status",
        "shipments",
        "shipments",
        not_folding_to(SHIPMENT, "shipment", status="s.status", **_SHIPMENT),
    ),
    Check(
        "5",
        "Folding its events gives a payment's status",
        "payments",
        "shipments",
        not_folding_to(PAYMENT, "shipment", status="s.payment_status", **_SHIPMENT),
    ),
    Check(
        "5",
        "An event names the change of status that it caused, and no other event names one",
        "events",
        "order_events",
        f"{naming_another_change(ORDER, ITSELF)} UNION ALL {naming_another_change(SHIPMENT, 'shipment')}",
    ),
    Check(
        "5",
        "A closed order has one closing event, at the instant of closing; later no status changes",
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
        FROM order_events e JOIN closings c USING (order_id)
        WHERE e.seq > c.seq AND e.data ? 'to' AND (e.subject = '' OR e.subject LIKE 'shipment/%')
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
        "The instants stored with an order or a shipment are those of its events",
        "orders and shipments",
        "(SELECT FROM orders UNION ALL SELECT FROM shipments) AS every_row",
        f"""
        WITH happened AS (
            SELECT order_id, subject, min(at) FILTER (WHERE type = 'ShipmentBooked') AS booked_at,
                   min(at) FILTER (WHERE type = 'ShipmentDispatched') AS dispatched_at,
                   min(at) FILTER (WHERE type = 'ShipmentDelivered') AS delivered_at,
                   max(at) FILTER (WHERE type = 'DeliveryAttempted') AS attempted_at,
                   count(*) FILTER (WHERE type = 'DeliveryAttempted') AS attempts,
                   min(at) FILTER (WHERE type = 'ShipmentCharged') AS charged_at,
                   min(at) FILTER (WHERE type = 'ShipmentInvoiced') AS issued_at
            FROM order_events WHERE subject LIKE 'shipment/%' GROUP BY order_id, subject)
        SELECT {shipment_id("s.order_id", "s.number")}, format(
            'invoiced, charged, booked, dispatched, delivered at %s, %s, %s, %s, %s; by its events %s, %s, %s, %s, %s',
            s.issued_at, s.charged_at, s.booked_at, s.dispatched_at, s.delivered_at,
            h.issued_at, h.charged_at, h.booked_at, h.dispatched_at, h.delivered_at)
        FROM shipments s LEFT JOIN happened h ON (h.order_id, h.subject) = (s.order_id, {shipment_subject("s")})
        WHERE (s.issued_at, s.charged_at, s.booked_at, s.dispatched_at, s.delivered_at)
            IS DISTINCT FROM (h.issued_at, h.charged_at, h.booked_at, h.dispatched_at, h.delivered_at)
        UNION ALL
        SELECT {shipment_id("s.order_id", "s.number")}, format(
            '%s attempts, the last at %s; by its events %s, the last at %s',
            s.attempts, s.attempted_at, coalesce(h.attempts, 0), h.attempted_at)
        FROM shipments s LEFT JOIN happened h ON (h.order_id, h.subject) = (s.order_id, {shipment_subject("s")})
        WHERE (s.attempts, s.attempted_at) IS DISTINCT FROM (coalesce(h.attempts, 0), h.attempted_at)
        UNION ALL
        SELECT {order_id("o.id")}, format('placed at %s, by its events %s', o.placed_at, e.at)
        FROM orders o JOIN order_events e ON (e.order_id, e.seq) = (o.id, 1) WHERE e.at <> o.placed_at
        """,
    ),
)
