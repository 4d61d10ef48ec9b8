"""The catalogue: so many SKUs that two orders rarely share one, stocked so that 30 % need two warehouses.

An order has two lines, one of the first half of the SKUs and one of the second, as the yardstick's. All but the last
150 stand in one warehouse, those in another. benchmarks/filling/shapes.sql has the orders of long ago laid out so, too.
"""

import random
from collections.abc import Mapping
from typing import Any, Final

from benchmarks.load.http import Connection, Document, NotAsExpected

SKUS: Final = 1_000
IN_THE_OTHER_WAREHOUSE_FROM: Final = 851
CUSTOMERS: Final = 10_000
PLENTY: Final = 1_000_000_000
CURRENCY: Final = "USD"
NEAR: Final = "NEAR"
FAR: Final = "FAR"

_WAREHOUSES: Final = (
    "mutation ($inputs: [WarehouseInput!]!) { upsertWarehouses(inputs: $inputs) { userErrors { message } } }"
)
_PRODUCTS: Final = "mutation ($inputs: [ProductInput!]!) { upsertProducts(inputs: $inputs) { userErrors { message } } }"
_STOCK: Final = "mutation ($inputs: [StockInput!]!) { setStock(inputs: $inputs) { userErrors { message } } }"

_ADDRESS: Final = {
    "name": "A Customer", "line1": "1 Example Street", "city": "Exampletown", "postalCode": "12345", "country": "US",
}  # fmt: skip


def sku(number: int) -> str:
    return f"SKU-{number:04}"


def price_minor(number: int) -> int:
    return 1_000 + number


def customer(number: int) -> str:
    return f"C-{number:07}"


def an_order(reference: str) -> dict[str, Any]:
    """The API's PlaceOrderInput: two lines, for a random customer."""
    return {
        "reference": reference,
        "customerReference": customer(random.randint(1, CUSTOMERS)),  # noqa: S311 - who orders is no secret
        "lines": [
            {"sku": sku(random.randint(1, SKUS // 2)), "quantity": 1},  # noqa: S311 - nor is what
            {"sku": sku(random.randint(SKUS // 2 + 1, SKUS)), "quantity": 1},  # noqa: S311 - as above
        ],
        "shippingAddress": _ADDRESS,
    }


def an_order_of(reference: str, customer_reference: str, sku_code: str) -> dict[str, Any]:
    """One unit of one SKU for a given customer."""
    lines = [{"sku": sku_code, "quantity": 1}]
    return {
        "reference": reference,
        "customerReference": customer_reference,
        "lines": lines,
        "shippingAddress": _ADDRESS,
    }


async def offer(connection: Connection, token: str) -> None:
    """Creates the catalogue and the stock."""
    warehouses = [{"code": NEAR, "name": "Nearer warehouse"}, {"code": FAR, "name": "Farther warehouse"}]
    await _load(connection, token, _WAREHOUSES, warehouses)
    await offer_products(connection, token, {sku(number): price_minor(number) for number in range(1, SKUS + 1)})
    await stock_up(connection, token, {sku(number): PLENTY for number in range(1, IN_THE_OTHER_WAREHOUSE_FROM)})
    far = {sku(number): PLENTY for number in range(IN_THE_OTHER_WAREHOUSE_FROM, SKUS + 1)}
    await stock_up(connection, token, far, warehouse=FAR)


async def offer_products(connection: Connection, token: str, prices_minor: Mapping[str, int]) -> None:
    products = [
        {"sku": code, "name": code, "unitPrice": price, "currency": CURRENCY} for code, price in prices_minor.items()
    ]
    await _load(connection, token, _PRODUCTS, products)


async def stock_up(connection: Connection, token: str, units: Mapping[str, int], *, warehouse: str = NEAR) -> None:
    counts = [{"sku": code, "warehouseCode": warehouse, "onHand": count} for code, count in units.items()]
    await _load(connection, token, _STOCK, counts)


async def _load(connection: Connection, token: str, document: str, inputs: list[dict[str, Any]]) -> None:
    (payload,) = (await connection.data(Document.of(token, document)({"inputs": inputs}))).values()
    if payload["userErrors"]:
        raise NotAsExpected(payload["userErrors"][0]["message"])
