"""The demo data: each demo order ends as its name says, and is placed once."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from oms.platform.settings import Settings, load_settings
from oms.tools import demo
from tests.shop import ShopUnderTest, open_shop

ORDERS = "SELECT o.reference, c.reference, o.status FROM orders o JOIN customers c ON c.id = o.customer_id"


@pytest.fixture
async def shop(database_url: str, tmp_path: Path) -> AsyncIterator[ShopUnderTest]:
    async with open_shop(database_url, tmp_path) as shop:
        yield shop


@pytest.fixture
def settings(database_url: str) -> Settings:
    return load_settings(database_url=database_url, demo=True)


async def _load(settings: Settings) -> None:
    await asyncio.to_thread(demo.load, settings)


async def test_each_order_becomes_what_its_name_says(shop: ShopUnderTest, settings: Settings) -> None:
    await _load(settings)
    await shop.run()
    assert sorted(await shop.rows(ORDERS)) == [
        ("DEMO-AMENDED", "demo-customer", "CUSTOMER_ACTION_REQUIRED"),
        ("DEMO-DECLINED", "demo-customer", "FAILED"),
        ("DEMO-FINE", "demo-customer", "PROCESSING"),
        ("DEMO-NEIGHBOUR-FINE", "demo-neighbour", "PROCESSING"),
        ("DEMO-NEIGHBOUR-SPLIT", "demo-neighbour", "PROCESSING"),
        ("DEMO-SPLIT", "demo-customer", "PROCESSING"),
        ("DEMO-UNAVAILABLE", "demo-customer", "CUSTOMER_ACTION_REQUIRED"),
    ]
    count = "SELECT o.reference, count(*) FROM shipments s JOIN orders o ON o.id = s.order_id GROUP BY 1"
    shipments = {row[0]: row[1] for row in await shop.rows(count)}
    assert shipments["DEMO-FINE"] == shipments["DEMO-NEIGHBOUR-FINE"] == 1
    assert shipments["DEMO-SPLIT"] == shipments["DEMO-NEIGHBOUR-SPLIT"] == 2
    assert "DEMO-UNAVAILABLE" not in shipments


async def test_a_second_start_adds_nothing(shop: ShopUnderTest, settings: Settings) -> None:
    await _load(settings)
    await shop.run()
    before = await shop.rows("SELECT count(*), sum(last_seq) FROM orders"), await shop.levels()
    await _load(settings)
    assert (await shop.rows("SELECT count(*), sum(last_seq) FROM orders"), await shop.levels()) == before


async def test_outside_demo_mode_there_are_no_orders(shop: ShopUnderTest, settings: Settings) -> None:
    await _load(settings.model_copy(update={"demo": False}))
    assert await shop.rows(ORDERS) == []
    assert await shop.levels()
