"""The demo data: each demo order ends as its name says, and is placed once."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from oms.domain.placing.demo_orders import LOOK_EVERY_S, DemoOrders
from oms.platform.settings import Settings, load_settings
from oms.tools import demo
from tests.shop import ShopUnderTest, open_shop, together
from tests.statements import statements_of

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


WAITING = (
    "SELECT count(*) FROM orders WHERE status = 'CUSTOMER_ACTION_REQUIRED' AND customer_reference = 'demo-customer'"
)
BOOKED = "SELECT count(*) FROM shipments WHERE status = 'BOOKED'"
PLACED = "SELECT count(*) FROM orders"


async def _hours_later(shop: ShopUnderTest) -> None:
    """Nobody has answered, and the courier has delivered everything."""
    await shop.run()
    await shop.execute("UPDATE orders SET action_deadline = clock_timestamp() - interval '1 ms'")
    await shop.execute("UPDATE work SET due_at = clock_timestamp() WHERE queue = 'deadlines'")
    await shop.run()
    for order_id, number in await shop.rows("SELECT order_id, number FROM shipments WHERE status = 'BOOKED'"):
        await shop.dispatch(order_id, number)
        await shop.deliver(order_id, number)
    assert (await shop.rows(WAITING), await shop.rows(BOOKED)) == ([(0,)], [(0,)])


async def test_whoever_looks_hours_later_finds_an_answer_to_give_and_parcels_to_pick_up(
    shop: ShopUnderTest, settings: Settings
) -> None:
    await _load(settings)
    await _hours_later(shop)
    await DemoOrders(shop.db).refill()
    await shop.run()
    assert await shop.rows(BOOKED) == [(2,)]
    [(waiting, shipments)] = await shop.rows(
        "SELECT reference, (SELECT count(*) FROM shipments s WHERE s.order_id = o.id) FROM orders o "
        "WHERE status = 'CUSTOMER_ACTION_REQUIRED'"
    )
    assert waiting.startswith("DEMO-ANSWER-")
    assert shipments == 1, "something is left to accept"


async def test_an_order_that_is_about_to_time_out_is_followed_by_another(
    shop: ShopUnderTest, settings: Settings
) -> None:
    await _load(settings)
    await shop.run()
    await shop.execute("UPDATE orders SET action_deadline = clock_timestamp() + interval '10 s'")
    await DemoOrders(shop.db).refill()
    await shop.run()
    assert await shop.rows(WAITING) == [(3,)]


async def test_nothing_is_added_while_something_waits(shop: ShopUnderTest, settings: Settings) -> None:
    await _load(settings)
    await shop.run()
    before = await shop.rows(PLACED)
    await DemoOrders(shop.db).refill()
    assert await shop.rows(PLACED) == before


async def test_tabs_that_look_at_once_add_one_order_each_together(shop: ShopUnderTest, settings: Settings) -> None:
    await _load(settings)
    await _hours_later(shop)
    [(before,)] = await shop.rows(PLACED)
    minute = "SELECT date_trunc('minute', clock_timestamp())"
    for _attempt in range(3):
        began = await shop.rows(minute)
        assert await together(*(DemoOrders(shop.db).refill() for _ in range(4))) == [None] * 4
        if await shop.rows(minute) == began:
            break
        await _hours_later(shop)
        [(before,)] = await shop.rows(PLACED)
    assert await shop.rows(PLACED) == [(before + 3,)]


async def test_nothing_is_added_while_no_worker_serves_what_there_is(shop: ShopUnderTest, settings: Settings) -> None:
    await _load(settings)  # the seven orders stay PENDING
    await DemoOrders(shop.db).refill()
    assert await shop.rows(PLACED) == [(7,)]


async def test_a_process_looks_every_few_seconds_only(shop: ShopUnderTest, settings: Settings) -> None:
    await _load(settings)
    await _hours_later(shop)
    now_s = 100.0
    orders = DemoOrders(shop.db, clock_s=lambda: now_s)
    with statements_of(shop.db) as sent:
        await orders.refill()
        looked = len(sent)
        now_s += LOOK_EVERY_S / 2
        await orders.refill()
        assert len(sent) == looked > 0
        now_s += LOOK_EVERY_S
        await orders.refill()
        assert len(sent) > looked


async def test_another_catalogue_gets_no_demo_orders(shop: ShopUnderTest) -> None:
    await shop.stock_up({"pen": {"east": 5}})
    await DemoOrders(shop.db).refill()
    assert await shop.rows(PLACED) == [(0,)]
