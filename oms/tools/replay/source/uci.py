"""UCI's invoices of an online shop. Cancellations, write-offs and corrections are not orders."""

from typing import Final

from oms.tools.replay.source.cart_order import CartLine, CartOrder, NoOrder, Row

SOURCE = "uci"
SKUS_FILE = "skus.jsonl.gz"

WAREHOUSES: Final = {
    "UCI-A": "UCI main warehouse",
    "UCI-B": "UCI second warehouse",
    "UCI-C": "UCI third warehouse",
}
"""The source names no warehouses; the replay uses these three."""

NO_ORDER_TYPES: Final = {
    "cancellation": "cancellation",
    "stock_write_off": "stock write-off",
    "bad_debt_adjustment": "bad debt adjustment",
    "zero_price_entry": "zero-price entry",
}

COUNTRY_CODES: Final = {
    "Australia": "AU", "Austria": "AT", "Bahrain": "BH", "Belgium": "BE", "Brazil": "BR", "Canada": "CA",
    "Cyprus": "CY", "Czech Republic": "CZ", "Denmark": "DK", "EIRE": "IE", "Finland": "FI", "France": "FR",
    "Germany": "DE", "Greece": "GR", "Hong Kong": "HK", "Iceland": "IS", "Israel": "IL", "Italy": "IT",
    "Japan": "JP", "Lebanon": "LB", "Lithuania": "LT", "Malta": "MT", "Netherlands": "NL", "Norway": "NO",
    "Poland": "PL", "Portugal": "PT", "RSA": "ZA", "Saudi Arabia": "SA", "Singapore": "SG", "Spain": "ES",
    "Sweden": "SE", "Switzerland": "CH", "USA": "US", "United Arab Emirates": "AE", "United Kingdom": "GB",
}  # fmt: skip
"""ISO 3166-1 alpha-2. Channel Islands, European Community and Unspecified have no code."""


def read_order(row: Row, *, anonymous: bool = False) -> CartOrder | NoOrder:
    """The order in an invoice, or why it is not an order.

    `anonymous`: also place an invoice without a customer, for a new customer.
    """
    items = row["items"]
    reason = _why_no_order(row, anonymous=anonymous)
    if reason is not None:
        return NoOrder(reason, len(items))
    reasons = [_why_no_line(item) for item in items]
    ordered = [item for item, excluded in zip(items, reasons, strict=True) if excluded is None]
    if not ordered:
        return NoOrder("only postage, fees and manual entries", len(items))
    return CartOrder(
        source=SOURCE,
        reference=f"{SOURCE}-{row['order_id']}",
        customer_reference=f"{SOURCE}-{row['customer_id'] or 'anonymous-' + row['order_id']}",
        currency=row["currency"],
        lines=tuple(
            CartLine(item["sku"], item["quantity"], item["unit_price_cents"], name=item["description"])
            for item in ordered
        ),
        address={"country": COUNTRY_CODES.get(row["customer_country"])},
        excluded=tuple(excluded for excluded in reasons if excluded is not None),
        notes=tuple("price rounded to whole pence" for item in ordered if item.get("unit_price_raw") is not None),
    )


def _why_no_order(row: Row, *, anonymous: bool) -> str | None:
    if row["type"] != "order":
        return NO_ORDER_TYPES.get(row["type"], f"type {row['type']}")
    if row["customer_id"] is None and not anonymous:
        return "anonymous"
    if not row["items"]:
        return "no items"
    return None


def _why_no_line(item: Row) -> str | None:
    if item.get("non_product"):
        return "postage, fees and manual entries"
    if item["quantity"] < 1:
        return "quantity below one"
    if item["unit_price_cents"] is None or item["unit_price_cents"] < 0:
        return "no price"
    return None


def product_name(row: Row) -> str | None:
    """The description that is most frequent in the source, if there is one."""
    description: str | None = row["description"]
    return description
