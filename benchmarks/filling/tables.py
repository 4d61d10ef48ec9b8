"""One statement for each table: the rows of the orders from $1 to $2.

Instants after placing: allocated after 5 ms, invoiced 10, charge started 12, charged 15, booked 20 ms, dispatched an
hour, delivered five hours. Statuses, actors and the data of events are those of `oms/domain`.
"""

from collections.abc import Mapping
from typing import Final

_TOTAL: Final = "p.subtotal + p.tax + p.shipping"
_INVOICE: Final = "'INV-' || lpad(CAST(2 * p.n + p.number AS text), 12, '0')"
_TRACKING: Final = "'SBX' || lpad(CAST(2 * p.n + p.number AS text), 16, '0')"
_DELIVERED_US: Final = 5 * 3_600_000_000


def _at(after_us: int, of: str = "p") -> str:
    return f"filling.instant({of}.placed_us + {after_us})"


ORDERS: Final = f"""
    INSERT INTO orders (id, reference, customer_id, customer_reference, status, currency, payment_method,
                        email, phone, shipping_address, placed_at, closed_at, last_seq)
    SELECT o.id, filling.reference(o.n), filling.customer_id(filling.customer(o.n)),
           filling.customer_reference(filling.customer(o.n)), 'COMPLETED', 'USD', 'sandbox-ok',
           filling.email(filling.customer(o.n)), filling.phone(filling.customer(o.n)),
           jsonb_build_object(
               'name', filling.given(filling.customer(o.n)) || ' ' || filling.family(filling.customer(o.n)),
               'line1', '1 Example Street', 'city', filling.city(filling.customer(o.n)),
               'postalCode', filling.postal_code(filling.customer(o.n)), 'country', 'US'),
           {_at(0, "o")}, {_at(_DELIVERED_US, "o")},
           CASE WHEN o.split THEN 15 ELSE 9 END
    FROM filling.orders($1, $2) AS o
"""
REFERENCES: Final = """
    INSERT INTO order_references (reference, order_id, content_hash)
    SELECT filling.reference(o.n), o.id, sha256(CAST(CAST(o.n AS text) AS bytea)) FROM filling.orders($1, $2) AS o
"""
_TERMS: Final = "INSERT INTO order_terms (order_id, term, field)"
TERMS_OF_ORDERS: Final = f"""
    {_TERMS}
    SELECT o.id, t.term, t.field
    FROM (SELECT n, id, filling.customer(n) AS c FROM filling.orders($1, $2)) AS o
    CROSS JOIN LATERAL (VALUES
        (filling.reference(o.n), 1), (filling.customer_reference(o.c), 4), (filling.email(o.c), 5),
        (filling.given(o.c), 7), (filling.family(o.c), 7), (filling.postal_code(o.c), 8), (filling.city(o.c), 9)
    ) AS stated(text, field)
    CROSS JOIN LATERAL (SELECT lower(regexp_replace(text, '[^A-Za-z0-9]', '', 'g')) AS letters) AS l
    CROSS JOIN LATERAL (
        SELECT replace(replace(replace(l.letters, 'ae', 'a'), 'oe', 'o'), 'ue', 'u') AS term, stated.field) AS t
    UNION ALL
    SELECT o.id, '+' || reverse(substr(filling.phone(filling.customer(o.n)), 2)), 6 FROM filling.orders($1, $2) AS o
"""
TERMS_OF_SHIPMENTS: Final = f"""
    {_TERMS}
    SELECT p.id, lower(replace(stated.text, '-', '')), stated.field
    FROM filling.parcels($1, $2) AS p
    CROSS JOIN LATERAL (VALUES ({_TRACKING}, 2), ({_INVOICE}, 3)) AS stated(text, field)
"""
LINES: Final = """
    INSERT INTO order_lines (order_id, number, sku, quantity, unit_price_minor)
    SELECT o.id, l.number, filling.sku(l.sku), l.units, 1000 + l.sku
    FROM filling.orders($1, $2) AS o
    CROSS JOIN LATERAL (VALUES (1, o.a, o.units_a), (2, o.b, o.units_b)) AS l(number, sku, units)
"""
ALLOCATIONS: Final = """
    INSERT INTO allocations (order_id, shipment, line, sku, quantity, unit_price_minor)
    SELECT o.id, l.shipment, l.number, filling.sku(l.sku), l.units, 1000 + l.sku
    FROM filling.orders($1, $2) AS o
    CROSS JOIN LATERAL (VALUES (1, 1, o.a, o.units_a), (CASE WHEN o.split THEN 2 ELSE 1 END, 2, o.b, o.units_b))
        AS l(shipment, number, sku, units)
"""
SHIPMENTS: Final = f"""
    INSERT INTO shipments (order_id, number, warehouse_code, status, updated_at, booking_open, courier_code,
                           courier_name, tracking_number, booked_at, dispatched_at, delivered_at, payment_status,
                           spending_period, charged_minor, refunded_minor, charged_at, invoice_number, subtotal_minor,
                           discount_minor, tax_minor, shipping_minor, issued_at)
    SELECT p.id, p.number, p.warehouse, 'DELIVERED', {_at(_DELIVERED_US)}, false, 'SANDBOX-BIKE', 'Bike courier',
           {_TRACKING}, {_at(20_000)}, {_at(3_600_000_000)}, {_at(_DELIVERED_US)}, 'SUCCEEDED', 1, {_TOTAL}, 0,
           {_at(15_000)}, {_INVOICE}, p.subtotal, 0, p.tax, p.shipping, {_at(10_000)}
    FROM filling.parcels($1, $2) AS p
"""
# Of an old transaction, so that readers of new events skip them.
_EVENT: Final = "INSERT INTO order_events (order_id, seq, at, type, actor, actor_role, subject, data, transaction)"
EVENTS_OF_ORDERS: Final = f"""
    {_EVENT}
    SELECT o.id, e.seq, filling.instant(o.placed_us + e.after_us), e.type, e.actor, e.role, '', e.data, 1
    FROM filling.orders($1, $2) AS o CROSS JOIN LATERAL (VALUES
        (1, CAST(0 AS bigint), 'OrderPlaced', 'cart', 'SERVICE', CAST('{{"to": "PENDING"}}' AS jsonb)),
        (2, 5000, 'ItemsAllocated', 'allocation', NULL, CASE WHEN o.split
            THEN CAST('{{"from": "PENDING", "to": "PROCESSING", "shipments":
                [{{"shipment": 1, "warehouse": "NEAR"}}, {{"shipment": 2, "warehouse": "FAR"}}]}}' AS jsonb)
            ELSE CAST('{{"from": "PENDING", "to": "PROCESSING", "shipments":
                [{{"shipment": 1, "warehouse": "NEAR"}}]}}' AS jsonb) END),
        (CASE WHEN o.split THEN 15 ELSE 9 END, {_DELIVERED_US}, 'OrderCompleted', 'courier', 'COURIER',
            '{{"from": "PROCESSING", "to": "COMPLETED"}}')
    ) AS e(seq, after_us, type, actor, role, data)
"""
EVENTS_OF_SHIPMENTS: Final = f"""
    {_EVENT}
    SELECT p.id, CASE WHEN p.split THEN 1 + 2 * e.step + p.number - 1 ELSE 2 + e.step END,
           filling.instant(p.placed_us + e.after_us), e.type, e.actor, e.role, 'shipment/' || p.number, e.data, 1
    FROM filling.parcels($1, $2) AS p CROSS JOIN LATERAL (VALUES
        (1, CAST(10000 AS bigint), 'ShipmentInvoiced', 'billing', NULL,
            jsonb_build_object('total', {_TOTAL}, 'number', {_INVOICE})),
        (2, 12000, 'ChargeStarted', 'billing', NULL, jsonb_build_object('amount', {_TOTAL})),
        (3, 15000, 'ShipmentCharged', 'billing', NULL, jsonb_build_object('amount', {_TOTAL})),
        (4, 20000, 'ShipmentBooked', 'booking', NULL, jsonb_build_object(
            'from', 'PENDING', 'to', 'BOOKED', 'courier', 'SANDBOX-BIKE', 'tracking', {_TRACKING})),
        (5, 3600000000, 'ShipmentDispatched', 'courier', 'COURIER', '{{"from": "BOOKED", "to": "DISPATCHED"}}'),
        (6, {_DELIVERED_US}, 'ShipmentDelivered', 'courier', 'COURIER',
            '{{"from": "DISPATCHED", "to": "DELIVERED"}}')
    ) AS e(step, after_us, type, actor, role, data)
"""
CUSTOMERS: Final = """
    INSERT INTO customers (id, reference, created_at)
    SELECT filling.customer_id(c), filling.customer_reference(c), filling.instant(filling.placed_us(0))
    FROM generate_series($1::bigint, $2::bigint) AS c
"""
TALLIES: Final = """
    INSERT INTO tallies (customer_id, currency, period, spent_minor)
    SELECT o.customer_id, o.currency, 1, sum(s.charged_minor)
    FROM orders o JOIN shipments s ON s.order_id = o.id
    WHERE o.reference ^@ 'FILLED-' GROUP BY o.customer_id, o.currency
"""

EVENTS: Final[Mapping[str, tuple[str, ...]]] = {"order_events": (EVENTS_OF_ORDERS, EVENTS_OF_SHIPMENTS)}
REST: Final[Mapping[str, tuple[str, ...]]] = {
    "orders": (ORDERS,), "order_references": (REFERENCES,), "order_lines": (LINES,), "shipments": (SHIPMENTS,),
    "allocations": (ALLOCATIONS,), "order_terms": (TERMS_OF_ORDERS, TERMS_OF_SHIPMENTS),
}  # fmt: skip
"""Tables with their statements, in two halves that take about as long. Each half is loaded over its own connection."""
