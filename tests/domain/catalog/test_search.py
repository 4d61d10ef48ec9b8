"""A search of the catalogue reads what it finds, and not every product."""

import pytest
from sqlalchemy import text

from oms.domain.catalog import queries
from oms.domain.vocabulary.paging import cursor_of
from tests.shop import MANAGER, ShopUnderTest

PRODUCTS = 20_000


@pytest.fixture
async def many(shop: ShopUnderTest) -> ShopUnderTest:
    """Products whose names are random letters, all with the word "thing", and one kettle."""
    await shop.execute(
        """INSERT INTO products (sku, name, unit_price_minor, currency)
           SELECT 'SKU-' || n, 'Thing ' || md5(n::text), 1, 'USD' FROM generate_series(1, :products) AS n""",
        products=PRODUCTS,
    )
    await shop.execute("UPDATE products SET name = 'A 100% shiny Kettle_1' WHERE sku = 'SKU-777'")
    await shop.execute("ANALYZE products")
    return shop


async def rows_read(shop: ShopUnderTest, search: str) -> int:
    """By the widest step of the plan, for a page of 20."""
    found = queries._FOUND if queries._HAS_INDEXED_PART.search(search) else queries._STARTING
    query = "EXPLAIN (ANALYZE, FORMAT JSON) " + found.replace(":limit", "21")
    async with shop.db.transaction() as tx:
        await tx.conn.execute(queries._AS_VALUES_REQUIRE)
        values = {"after": "", "search": search, "currency": ""} | ({"part": search} if ":part" in found else {})
        [plan] = (await tx.conn.execute(text(query), values)).scalar_one()
    steps, widest = [plan["Plan"]], 0.0
    while steps:
        step = steps.pop()
        steps += step.get("Plans", ())
        widest = max(widest, step["Actual Rows"] + step.get("Rows Removed by Filter", 0))
    return int(widest)


async def test_a_search_reads_few_rows_whether_many_names_have_the_part_or_one(many: ShopUnderTest) -> None:
    for search in ("thing", "kettle", "SKU-777", "nothing like it"):
        assert await rows_read(many, search) < PRODUCTS / 50, search


async def test_a_short_search_reads_few_rows_and_finds_starts(many: ShopUnderTest) -> None:
    """Of SKUs, and with two letters of names; also if nothing, or everything, starts with them."""
    await many.execute("UPDATE products SET name = 'Xylophone' WHERE sku = 'SKU-888'")
    await many.execute("INSERT INTO products (sku, name, unit_price_minor, currency) VALUES ('XY', 'Toy', 1, 'USD')")

    async def found(search: str) -> list[str]:
        page = await queries.products(many.db, MANAGER, first=3, after=None, search=search)
        return [product.sku for product in page.entries]

    for search in ("th", "qq", "q", "t", "S", "--", "---", "ü", "a-", "\\"):
        assert await rows_read(many, search) <= 2 * 21, search
    assert await found("xy") == ["SKU-888"]
    assert await found("XY") == ["SKU-888", "XY"]
    assert await found("X") == ["XY"]
    assert await found("th") == ["SKU-1", "SKU-10", "SKU-100"]
    assert await found("yl") == []


async def test_a_part_is_found_anywhere_in_either_case_and_its_characters_mean_themselves(many: ShopUnderTest) -> None:
    async def found(search: str) -> list[str]:
        page = await queries.products(many.db, MANAGER, first=5, after=None, search=search)
        return [product.sku for product in page.entries]

    for search in ("KETTLE", "ettle_1", "100%", "y kett", "_1"):
        assert await found(search) == ["SKU-777"], search
    assert await found("100%s") == []
    assert await found("\\") == []
    page = await queries.products(many.db, MANAGER, first=5, after=None, search="thing")
    following = await queries.products(many.db, MANAGER, first=5, after=cursor_of("SKU-10"), search="thing")
    assert page.more
    assert following.entries[0].sku > "SKU-10"
