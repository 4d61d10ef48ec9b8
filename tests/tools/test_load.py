"""The load generator places orders through the API at a rate, from a warehouse of its own, and only in a demo."""

import asyncio
import re
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from typer.testing import CliRunner

from oms.domain.vocabulary.actor import Role
from oms.platform.settings import CannotStart, load_settings
from oms.schema.schema import schema
from oms.tools.cli import main as cli
from oms.tools.load import LoadGenerator, NotAccepted
from tests.shop import ShopUnderTest, open_shop
from tests.web.conftest import Server, issued, serving, until


@pytest.fixture
async def shop(database_url: str, tmp_path: Path) -> AsyncIterator[ShopUnderTest]:
    async with open_shop(database_url, tmp_path) as shop:
        await shop.stock_up({"pen": {"east": 5}})
        yield shop


@pytest.fixture(scope="module")
def server(database_url: str, redis_url: str) -> Iterator[Server]:
    settings = load_settings(database_url=database_url, redis_url=redis_url, database_pool_size=5, demo=True)
    with serving(settings, schema) as running:
        yield running


async def generator_for(shop: ShopUnderTest, url: str) -> LoadGenerator:
    cart, courier = await issued(shop.db, role=Role.SERVICE), await issued(shop.db, role=Role.COURIER)
    return LoadGenerator(url, cart_token=cart, courier_token=courier)


@asynccontextmanager
async def running(generator: LoadGenerator, *, per_second: int, deliver: bool = False) -> AsyncIterator[None]:
    """For the block, which takes less than a minute."""
    task = asyncio.create_task(generator.run(per_second=per_second, seconds=60, deliver=deliver))
    try:
        yield
    finally:
        generator.stop()
        await task


async def test_it_places_orders_until_it_is_stopped(server: Server, shop: ShopUnderTest) -> None:
    async def placed() -> bool:
        return bool(await shop.rows("SELECT id FROM orders WHERE reference LIKE 'load-%' OFFSET 5"))

    generator = await generator_for(shop, server.url)
    async with running(generator, per_second=20):
        await until(placed)
    [(count,)] = await shop.rows("SELECT count(*) FROM orders")
    assert (generator.result.placed, generator.result.refused) == (count, 0)
    await asyncio.sleep(0.3)
    assert await shop.rows("SELECT count(*) FROM orders") == [(count,)]
    assert (await shop.levels())["pen", "east"] == (5, 0)


async def test_it_ends_by_itself_and_keeps_to_its_rate(server: Server, shop: ShopUnderTest) -> None:
    generator = await generator_for(shop, server.url)
    result = await generator.run(per_second=5, seconds=1.0, deliver=False)
    assert 1 <= result.placed <= 6
    assert await shop.rows("SELECT count(*) FROM orders") == [(result.placed,)]


async def test_it_delivers_its_own_shipments_only(server: Server, shop: ShopUnderTest) -> None:
    others = await shop.place({"pen": 1})
    await shop.run()

    async def delivered() -> bool:
        await shop.run()
        return bool(await shop.rows("SELECT number FROM shipments WHERE status = 'DELIVERED'"))

    generator = await generator_for(shop, server.url)
    async with running(generator, per_second=5, deliver=True):
        await until(delivered, within_s=15)
    assert generator.result.delivered >= 1
    assert [shipment.status for shipment in (await shop.order(others)).shipments] == ["BOOKED"]


async def test_refused_orders_are_counted_and_the_run_goes_on(server: Server, shop: ShopUnderTest) -> None:
    generator = await generator_for(shop, server.url)

    async def refused() -> bool:
        return generator.result.refused > 1

    async with running(generator, per_second=20):
        await until(lambda: generator.result.placed > 0)
        await shop.execute("DELETE FROM products WHERE sku LIKE 'LOAD-%'")
        await until(refused)
    assert "LOAD-" in generator.result.last_problem


async def test_without_a_valid_token_nothing_is_placed(server: Server, shop: ShopUnderTest) -> None:
    generator = LoadGenerator(server.url, cart_token="none", courier_token="none")
    with pytest.raises(NotAccepted, match="token"):
        await generator.run(per_second=1, seconds=60, deliver=False)
    assert await shop.rows("SELECT count(*) FROM orders") == [(0,)]


@pytest.mark.parametrize("options", [["--rate", "0"], ["--rate", "21"], ["--rate", "x"], ["--minutes", "11"]])
def test_the_load_is_bounded(options: list[str]) -> None:
    outcome = CliRunner().invoke(cli.app, ["load", *options])
    assert outcome.exit_code == 2
    assert options[0] in re.sub(r"\x1b\[[0-9;]*m", "", outcome.output)


def test_it_refuses_a_database_that_is_not_a_demos(database_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OMS_DATABASE_URL", database_url)
    monkeypatch.setenv("OMS_DEMO", "false")
    outcome = CliRunner().invoke(cli.app, ["load"])
    assert isinstance(outcome.exception, CannotStart)
    assert "not a demo's" in str(outcome.exception)
