"""Rule 3: per SKU and warehouse 0 ≤ allocated ≤ on hand; allocations of open shipments sum to allocated."""

from typing import Final

from oms.tools.check.check import Check
from oms.tools.check.machines import ALLOCATING_EVENTS
from oms.tools.check.sql import OPEN_SHIPMENT, line_id, order_id, shipment_id, texts

CHECKS: Final = (
    Check(
        "3",
        "0 ≤ allocated ≤ on hand",
        "stock levels",
        "stock",
        """
        SELECT sku || ' in ' || warehouse_code, format('%s on hand, %s allocated', on_hand, allocated)
        FROM stock WHERE allocated < 0 OR allocated > on_hand
        """,
    ),
    Check(
        "3",
        "Allocations of open shipments sum to allocated",
        "allocations",
        "allocations",
        f"""
        WITH needed AS (
            SELECT a.sku, s.warehouse_code, sum(a.quantity) AS units
            FROM allocations a JOIN shipments s ON (s.order_id, s.number) = (a.order_id, a.shipment)
            WHERE s.status IN {OPEN_SHIPMENT} GROUP BY a.sku, s.warehouse_code)
        SELECT coalesce(k.sku, c.sku) || ' in ' || coalesce(k.warehouse_code, c.warehouse_code),
               format('%s allocated, open shipments hold %s', coalesce(k.allocated, 0), coalesce(c.units, 0))
        FROM stock k FULL JOIN needed c ON c.sku = k.sku AND c.warehouse_code = k.warehouse_code
        WHERE coalesce(k.allocated, 0) <> coalesce(c.units, 0)
        """,
    ),
    Check(
        "3",
        "Once allocated, a line's allocated and unavailable units make up its quantity",
        "order lines",
        "order_lines",
        f"""
        WITH got AS (SELECT order_id, line, sum(quantity) AS units FROM allocations GROUP BY order_id, line),
        attempted AS (SELECT DISTINCT order_id FROM order_events WHERE type IN {texts(ALLOCATING_EVENTS)})
        SELECT {line_id("l.order_id", "l.number")},
               format('%s ordered, %s allocated, %s unavailable', l.quantity, coalesce(g.units, 0), l.unavailable)
        FROM order_lines l
        LEFT JOIN got g ON (g.order_id, g.line) = (l.order_id, l.number)
        LEFT JOIN attempted t ON t.order_id = l.order_id
        WHERE l.unavailable < 0
           OR coalesce(g.units, 0) + l.unavailable <> CASE WHEN t.order_id IS NULL THEN 0 ELSE l.quantity END
        """,
    ),
    Check(
        "3",
        "A shortage falls on the last lines of its SKU first",
        "short lines",
        "order_lines WHERE unavailable > 0",
        f"""
        WITH seen AS (
            SELECT *, max(number) FILTER (WHERE unavailable < quantity) OVER (PARTITION BY order_id, sku) AS last_served
            FROM order_lines WHERE order_id IN (SELECT order_id FROM order_lines WHERE unavailable > 0))
        SELECT {line_id("order_id", "number")},
               format('lacks %s of %s %s, but line %s has some', unavailable, quantity, sku, last_served)
        FROM seen WHERE unavailable > 0 AND number < last_served
        """,
    ),
    Check(
        "3",
        "The offer to the customer says what is unavailable",
        "short lines",
        "order_lines WHERE unavailable > 0",
        f"""
        WITH offered AS (
            SELECT e.order_id, (entry->>'line')::int AS number, (entry->>'units')::int AS units
            FROM order_events e, jsonb_array_elements(e.data->'unavailable') AS entry
            WHERE e.type = 'ItemsUnavailable'),
        short AS (SELECT order_id, number, unavailable AS units FROM order_lines WHERE unavailable > 0)
        SELECT {line_id("order_id", "number")},
               format('%s unavailable, the offer says %s', coalesce(s.units, 0), coalesce(f.units, 0))
        FROM short s FULL JOIN offered f USING (order_id, number) WHERE s.units IS DISTINCT FROM f.units
        """,
    ),
    Check(
        "3",
        "An allocation has its line's SKU and price, and at least one unit",
        "allocations",
        "allocations",
        f"""
        SELECT {shipment_id("a.order_id", "a.shipment")},
               format('%s × %s at %s for line %s, which is %s at %s', a.quantity, a.sku, a.unit_price_minor, a.line,
                      l.sku, l.unit_price_minor)
        FROM allocations a JOIN order_lines l ON (l.order_id, l.number) = (a.order_id, a.line)
        WHERE a.quantity < 1 OR a.sku <> l.sku OR a.unit_price_minor <> l.unit_price_minor
        """,
    ),
    Check(
        "3",
        "An order has one shipment from each of its warehouses, numbered from 1, and none is empty",
        "shipments",
        "shipments",
        f"""
        WITH opened AS (
            SELECT order_id, count(*) AS shipments, count(DISTINCT warehouse_code) AS warehouses, min(number) AS lowest,
                   max(number) AS highest
            FROM shipments GROUP BY order_id)
        SELECT {order_id("order_id")}, format('%s shipments from %s warehouses, numbered %s to %s', shipments,
                                              warehouses, lowest, highest)
        FROM opened WHERE (warehouses, lowest, highest) <> (shipments, 1, shipments)
        UNION ALL
        SELECT {shipment_id("s.order_id", "s.number")}, 'is empty' FROM shipments s
        LEFT JOIN (SELECT DISTINCT order_id, shipment FROM allocations) a
            ON (a.order_id, a.shipment) = (s.order_id, s.number)
        WHERE a.order_id IS NULL
        """,
    ),
)
