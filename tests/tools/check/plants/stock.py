"""Violations of rule 3."""

from typing import Final

from tests.tools.check.plants.plant import plant

PLANTS: Final = (
    plant(
        "3",
        "oversold",
        """
        ALTER TABLE stock DROP CONSTRAINT ck_stock_never_oversold;
        UPDATE stock SET on_hand = allocated - 1 WHERE sku = 'MUG'
        """,
        "0 ≤ allocated",
    ),
    plant(
        "3",
        "stock that stays allocated",
        "UPDATE stock SET allocated = allocated + 1 WHERE sku = 'MUG'",
        "Allocations of open shipments",
    ),
    plant(
        "3",
        "a unit of a line is neither allocated nor unavailable",
        "UPDATE order_lines SET quantity = quantity + 1 WHERE order_id = $completed AND number = 1",
        "Once allocated",
    ),
    plant(
        "3",
        "the first line lacks units",
        """
        UPDATE order_lines SET unavailable = 2 - number WHERE order_id = $waiting;
        DELETE FROM allocations WHERE order_id = $waiting AND line = 1;
        UPDATE allocations SET quantity = 2 WHERE order_id = $waiting AND line = 2;
        UPDATE order_events SET data = jsonb_set(data, '{unavailable, 0, line}', '1')
        WHERE order_id = $waiting AND type = 'ItemsUnavailable'
        """,
        "A shortage falls",
    ),
    plant(
        "3",
        "the offer names other units",
        """
        UPDATE order_events SET data = jsonb_set(data, '{unavailable, 0, units}', '2')
        WHERE order_id = $waiting AND type = 'ItemsUnavailable'
        """,
        "The offer to",
    ),
    plant(
        "3",
        "another SKU was allocated",
        "UPDATE allocations SET sku = 'JUG' WHERE order_id = $completed AND line = 1",
        "An allocation has its",
    ),
    plant(
        "3",
        "two shipments from one warehouse",
        """
        UPDATE shipments SET warehouse_code = 'A' WHERE order_id = $split;
        UPDATE order_events SET data = jsonb_set(data, '{shipments, 1, warehouse}', '"A"')
        WHERE order_id = $split AND type = 'ItemsAllocated'
        """,
        "An order has one shipment",
    ),
)
