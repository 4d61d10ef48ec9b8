"""The demo data: a small catalogue with stock, and a few orders, for a fresh instance."""

import asyncio
from typing import Final

import oms.domain.concepts  # noqa: F401 - registers them
from oms.domain.access.permissions import Viewer
from oms.domain.catalog import commands as catalog
from oms.domain.catalog import store as catalog_store
from oms.domain.catalog.model import Product, Warehouse
from oms.domain.identity.signing_in.personas import PERSONAS, account_of
from oms.domain.inventory import commands as stock
from oms.domain.inventory.commands import StockCount
from oms.domain.placing import demo_orders
from oms.domain.vocabulary.actor import Role
from oms.platform.db import Changes, Database
from oms.platform.settings import Settings

WAREHOUSES: Final = (
    Warehouse("EAST", "Eastern warehouse"),
    Warehouse("NORTH", "Northern warehouse"),
    Warehouse("WEST", "Western warehouse"),
)

# SKU, name, price in minor units, tax in basis points, units on hand by warehouse
PRODUCTS: Final = (
    ("TRAINERS", "Trainers, white", 8_999, 2_000, {"EAST": 400, "WEST": 250}),
    ("BOOK-ATLAS", "World atlas", 3_450, 500, {"NORTH": 120}),
    ("COFFEE-1KG", "Coffee beans, 1 kg", 1_890, 1_000, {"EAST": 900, "NORTH": 900, "WEST": 900}),
    ("KETTLE", "Kettle, 1.7 l", 4_299, 2_000, {"EAST": 60, "NORTH": 40}),
    ("LAMP-DESK", "Desk lamp", 5_900, 2_000, {"WEST": 35}),
    ("MUG-BLUE", "Mug, blue", 1_200, 2_000, {"EAST": 3, "NORTH": 2}),
    ("POSTER", "Poster, sold out", 2_500, 2_000, {"WEST": 0}),
)


def load(settings: Settings) -> None:
    """Adds what is missing; existing data, such as stock, stay unchanged.

    Adds personas and their orders in demo mode only.
    """
    asyncio.run(_load(str(settings.database_url), settings.currency, demo=settings.demo))


async def _load(database_url: str, currency: str, *, demo: bool) -> None:
    viewer = Viewer("demo", Role.SERVICE)
    db = Database(database_url, pool_size=1, notify=_not_notified)
    async with db.transaction() as tx:
        known = await catalog_store.of_skus(tx, [sku for sku, *_ in PRODUCTS])
        new = [product for product in PRODUCTS if product[0] not in known]
        if new:
            await catalog.upsert_warehouses(tx, viewer, WAREHOUSES)
            products = [Product(sku, name, price, currency, tax) for sku, name, price, tax, _ in new]
            await catalog.upsert_products(tx, viewer, products)
            counts = [StockCount(sku, code, units) for sku, *_, held in new for code, units in held.items()]
            await stock.set_stock(tx, viewer, counts)
        if demo:
            for persona in PERSONAS:
                await account_of(tx, persona)
            await demo_orders.place_first(tx)
    await db.close()


def _not_notified(_: Changes) -> None:
    """There are no subscribers yet, and workers poll."""
