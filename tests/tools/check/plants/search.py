"""Orders that are not found, and terms of what was erased."""

from typing import Final

from tests.tools.check.plants.plant import plant

PLANTS: Final = (
    plant(
        "links",
        "an order that is not found by its reference",
        "DELETE FROM order_terms WHERE order_id = $completed AND field = 1",
        "An order is found by",
    ),
    plant(
        "links",
        "an invoice that leads to no order",
        "DELETE FROM order_terms WHERE order_id = $completed AND field = 3",
        "An order is found by",
    ),
    plant(
        "links",
        "the name of somebody who was erased",
        "INSERT INTO order_terms (order_id, term, field) VALUES ($completed, 'somebody', 7)",
        "No order is found by",
    ),
    plant(
        "links",
        "the telephone number of somebody else",
        "UPDATE orders SET phone = '+4930123456' WHERE id = $completed; "
        "INSERT INTO order_terms (order_id, term, field) VALUES ($completed, '+65432103', 6)",
        "An order is found by",
        "No order is found by",
    ),
    plant("links", "a product that is not found", "DELETE FROM product_terms WHERE sku = 'MUG'", "A product is found"),
)
