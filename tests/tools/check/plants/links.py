"""Rows that belong to none."""

from typing import Final

from tests.tools.check.plants.plant import RELEASED, plant

PLANTS: Final = (
    plant(
        "links",
        "an order is missing",
        "DELETE FROM orders WHERE id = $cancelled_pending",
        "Lines, shipments",
        "A reference is reserved",
        "No order is found by",
    ),
    plant("links", "a customer is missing", "DELETE FROM customers WHERE reference = 'bo'", "An order and a tally"),
    plant(
        "links",
        "the reference of another customer",
        "UPDATE orders SET customer_reference = 'nobody' WHERE id = $completed",
        "An order has its customer",
        "An order is found by",
        "No order is found by",
    ),
    plant(
        "links",
        "a reference that is not reserved",
        "DELETE FROM order_references WHERE order_id = $completed",
        "A reference is reserved",
    ),
    plant(
        "links",
        "an allocation of an unknown line",
        "INSERT INTO allocations VALUES ($completed, 1, 99, 'MUG', 1, 0)",
        "An allocation belongs",
    ),
    plant(
        "links",
        "an event of an unknown shipment",
        f"UPDATE order_events SET subject = 'shipment/9' WHERE {RELEASED}",
        "An event of a shipment",
    ),
    plant(
        "links",
        "an order without lines",
        "DELETE FROM order_lines WHERE order_id = $cancelled_pending",
        "An order has 1 to",
    ),
    plant(
        "links",
        "an unknown SKU",
        "UPDATE order_lines SET sku = 'NONE' WHERE order_id = $cancelled_pending",
        "A line has",
    ),
    plant(
        "links",
        "a line of 0 units",
        "UPDATE order_lines SET quantity = 0 WHERE order_id = $cancelled_pending",
        "A line has",
    ),
    plant("links", "a warehouse is missing", "DELETE FROM warehouses WHERE code = 'B'", "A shipment leaves"),
)
