"""Orders of long ago that are loaded look, to the checker and to a reader, as if they had been lived through."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from benchmarks.filling.fill import ORDERS_OF_A_CUSTOMER, customers_of, fill_running
from benchmarks.load.catalogue import FAR, IN_THE_OTHER_WAREHOUSE_FROM, NEAR, SKUS, customer, price_minor, sku
from oms.domain.catalog import commands as catalog
from oms.domain.catalog.model import Product, Warehouse
from oms.domain.order_queries import lists
from oms.domain.order_queries.finding.selection import OrderQuery
from oms.platform.grants import address_of
from oms.tools.check.snapshot import run_checks
from tests.owner import owner_of
from tests.shop import MANAGER, SUPPORT, ShopUnderTest, empty, open_shop

ORDERS = 700


@pytest.fixture(scope="module")
async def filled(database_url: str, open_dir: Path) -> AsyncIterator[ShopUnderTest]:
    async with open_shop(database_url, open_dir) as shop:
        async with shop.db.transaction() as tx:
            await catalog.upsert_warehouses(tx, MANAGER, [Warehouse(code, code) for code in (NEAR, FAR)])
            products = [Product(sku(n), sku(n), price_minor(n), "USD") for n in range(1, SKUS + 1)]
            await catalog.upsert_products(tx, MANAGER, products)
        await fill_running(owner_of(database_url), ORDERS, lambda _: None)
        yield shop
        await empty(shop.owner)
        await shop.execute("DROP SCHEMA filling CASCADE")


async def test_no_rule_is_violated_by_them(filled: ShopUnderTest, database_url: str, open_dir: Path) -> None:
    findings = await run_checks(address_of(database_url), open_dir / "there-is-no-log")
    assert [(result.holds, result.first) for result in findings.violated] == []
    examined = {result.examined: result.rows_count for result in findings.results}
    assert examined["orders"] == ORDERS
    assert examined["events"] > 9 * ORDERS


async def test_three_in_ten_leave_from_two_warehouses(filled: ShopUnderTest) -> None:
    [(shipments,)] = await filled.rows("SELECT count(*) FROM shipments")
    assert shipments == pytest.approx(1.3 * ORDERS, rel=0.03)
    [(wrong,)] = await filled.rows(
        "SELECT count(*) FROM allocations a JOIN shipments s ON (s.order_id, s.number) = (a.order_id, a.shipment)"
        " WHERE (s.warehouse_code = :far) <> (a.sku >= :sku)",
        far=FAR,
        sku=sku(IN_THE_OTHER_WAREHOUSE_FROM),
    )
    assert wrong == 0


async def test_they_are_listed_in_the_order_of_their_placing_and_found(filled: ShopUnderTest) -> None:
    question = OrderQuery(search="FILLED-")
    newest = await lists.page(filled.db, SUPPORT, question, first=3, after=None)
    assert [seen.order.reference for seen in newest.entries] == [f"FILLED-{ORDERS - n:010}" for n in range(3)]
    own = await lists.page(filled.db, SUPPORT, OrderQuery(search=customer(1)), first=50, after=None)
    assert len(own.entries) == ORDERS_OF_A_CUSTOMER


async def test_indexes_and_constraints_are_all_there_afterwards(filled: ShopUnderTest) -> None:
    names = {name for (name,) in await filled.rows("SELECT indexname FROM pg_indexes WHERE schemaname = 'public'")}
    assert {"pk_orders", "pk_order_references", "ix_orders_customer_reference_id", "pk_order_events"} <= names


def test_customers_have_twenty_orders_each_where_there_are_many() -> None:
    assert customers_of(10_000_000) == 500_000
    assert customers_of(10) == 1
