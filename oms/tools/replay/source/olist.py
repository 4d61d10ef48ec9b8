"""Olist's marketplace orders: each seller is a warehouse, each row an order."""

from oms.tools.replay.source.cart_order import CartLine, CartOrder, NoOrder, Row

SOURCE = "olist"
WAREHOUSES_FILE = "warehouses.jsonl.gz"
SKUS_FILE = "sku_warehouses.jsonl.gz"


def read_order(row: Row) -> CartOrder | NoOrder:
    """The order in a row. One with the status canceled is placed and then cancelled."""
    items = row["items"]
    if not items:
        return NoOrder("no items", 0)
    return CartOrder(
        source=SOURCE,
        reference=f"{SOURCE}-{row['order_id']}",
        customer_reference=f"{SOURCE}-{row['customer_id']}",
        currency=row["currency"],
        lines=tuple(
            CartLine(
                sku=item["sku"],
                quantity=item["quantity"],
                unit_price_minor=item["unit_price_cents"],
                warehouse_code=item["warehouse_id"],
            )
            for item in items
        ),
        address={
            "city": row["customer_city"],
            "region": row["customer_state"],
            "postalCode": row["customer_zip_prefix"],
            "country": "BR",
        },
        cancelled_at_source=row["status"] == "canceled",
    )


def warehouse_name(row: Row) -> str:
    """A seller has only a place in the source, no name."""
    return f"Seller in {row['city']}, {row['state']}"


def product_name(row: Row) -> str:
    """Category and start of the SKU, as a product has no name in the source."""
    category = row["category_en"] or row["category"] or "product"
    return f"{category.replace('_', ' ')} {row['sku'][:8]}"
