"""Rows that belong together. Growing tables have no foreign keys, so that each can be distributed over servers."""

from typing import Final

from oms.tools.check.check import LINKS, Check
from oms.tools.check.sql import line_id, order_id, shipment_id, shipment_subject, subject_id

_OF_ORDERS: Final = ("order_lines", "shipments", "allocations", "order_events")
_WITHOUT_ORDER: Final = " UNION ALL ".join(
    f"SELECT {order_id('t.order_id')}, '{table}: ' || count(*) FROM {table} t"
    " WHERE NOT EXISTS (SELECT FROM orders o WHERE o.id = t.order_id) GROUP BY t.order_id"
    for table in _OF_ORDERS
)
_NAMES: Final = """
    SELECT id, '' AS owner, reference FROM orders
    UNION ALL SELECT id, customer_reference, own_reference FROM orders WHERE own_reference IS NOT NULL
"""
"""What each order is called in the shop, and by a customer who placed it themself."""
_ALL_ROWS: Final = " UNION ALL ".join(f"SELECT FROM {table}" for table in _OF_ORDERS)

CHECKS: Final = (
    Check(
        LINKS,
        "Lines, shipments, allocations and events belong to an order",
        "rows of orders",
        f"({_ALL_ROWS}) AS every_row",
        _WITHOUT_ORDER,
    ),
    Check(
        LINKS,
        "An order and a tally belong to a customer",
        "orders and tallies",
        "(SELECT FROM orders UNION ALL SELECT FROM tallies) AS every_row",
        f"""
        SELECT {order_id("o.id")}, 'customer ' || o.customer_id FROM orders o
        WHERE NOT EXISTS (SELECT FROM customers c WHERE c.id = o.customer_id)
        UNION ALL
        SELECT 'tally in ' || t.currency, 'customer ' || t.customer_id FROM tallies t
        WHERE NOT EXISTS (SELECT FROM customers c WHERE c.id = t.customer_id)
        """,
    ),
    Check(
        LINKS,
        "An order has its customer's reference",
        "orders",
        "orders",
        f"""
        SELECT {order_id("o.id")}, format('has %s, the customer is %s', o.customer_reference, c.reference)
        FROM orders o JOIN customers c ON c.id = o.customer_id WHERE c.reference <> o.customer_reference
        """,
    ),
    Check(
        LINKS,
        "A reference is reserved by the order that has it, and by no other",
        "references and orders",
        "(SELECT FROM order_references UNION ALL SELECT FROM orders) AS every_row",
        f"""
        SELECT {order_id("o.id")}, 'has not reserved ' || o.reference FROM ({_NAMES}) o
        WHERE NOT EXISTS (SELECT FROM order_references r
                          WHERE (r.owner, r.reference, r.order_id) = (o.owner, o.reference, o.id))
        UNION ALL
        SELECT 'reference ' || r.reference, {order_id("r.order_id")} FROM order_references r
        WHERE NOT EXISTS (SELECT FROM ({_NAMES}) o
                          WHERE (o.owner, o.reference, o.id) = (r.owner, r.reference, r.order_id))
        """,
    ),
    Check(
        LINKS,
        "An allocation belongs to a shipment and a line of its order",
        "allocations",
        "allocations",
        f"""
        SELECT {shipment_id("a.order_id", "a.shipment")}, 'line ' || a.line
        FROM allocations a
        LEFT JOIN shipments s ON (s.order_id, s.number) = (a.order_id, a.shipment)
        LEFT JOIN order_lines l ON (l.order_id, l.number) = (a.order_id, a.line)
        JOIN orders o ON o.id = a.order_id
        WHERE s.order_id IS NULL OR l.order_id IS NULL
        """,
    ),
    Check(
        LINKS,
        "An event of a shipment names one that its order has",
        "events of shipments",
        "order_events WHERE subject LIKE 'shipment/%'",
        f"""
        SELECT {subject_id("e.order_id", "e.subject")}, 'event ' || e.seq
        FROM order_events e LEFT JOIN shipments s ON (s.order_id, {shipment_subject("s")}) = (e.order_id, e.subject)
        JOIN orders o ON o.id = e.order_id
        WHERE e.subject LIKE 'shipment/%' AND s.order_id IS NULL
        """,
    ),
    Check(
        LINKS,
        "An order has 1 to 2,000 lines, numbered from 1",
        "orders",
        "orders",
        f"""
        SELECT {order_id("o.id")}, format('%s lines, numbered %s to %s', coalesce(k.lines, 0), k.lowest, k.highest)
        FROM orders o LEFT JOIN (
            SELECT order_id, count(*) AS lines, min(number) AS lowest, max(number) AS highest
            FROM order_lines GROUP BY order_id) AS k ON k.order_id = o.id
        WHERE k.lines IS NULL OR k.lines > 2000 OR (k.lowest, k.highest) <> (1, k.lines)
        """,
    ),
    Check(
        LINKS,
        "A line has a known SKU, 1 to 1,000,000 units, and a price that is not negative",
        "order lines",
        "order_lines",
        f"""
        SELECT {line_id("l.order_id", "l.number")}, format('%s × %s at %s', l.quantity, l.sku, l.unit_price_minor)
        FROM order_lines l LEFT JOIN products p ON p.sku = l.sku
        WHERE p.sku IS NULL OR l.quantity NOT BETWEEN 1 AND 1000000 OR l.unit_price_minor < 0
        """,
    ),
    Check(
        LINKS,
        "A shipment leaves a known warehouse; stock is of a known SKU in a known warehouse",
        "shipments and stock levels",
        "(SELECT FROM shipments UNION ALL SELECT FROM stock) AS every_row",
        f"""
        SELECT {shipment_id("s.order_id", "s.number")}, 'warehouse ' || s.warehouse_code FROM shipments s
        WHERE NOT EXISTS (SELECT FROM warehouses w WHERE w.code = s.warehouse_code)
        UNION ALL
        SELECT k.sku || ' in ' || k.warehouse_code, 'in stock' FROM stock k
        WHERE NOT EXISTS (SELECT FROM warehouses w WHERE w.code = k.warehouse_code)
           OR NOT EXISTS (SELECT FROM products p WHERE p.sku = k.sku)
        """,
    ),
)
