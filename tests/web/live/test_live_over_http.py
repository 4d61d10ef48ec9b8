"""From a commit to the clients of two web processes, with and without notifications."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import httpx
import orjson
import pytest

from oms.domain.vocabulary.ids import order_id
from oms.platform.notifications import Notifier
from oms.platform.settings import Settings
from oms.tools.dev_services.embedded import Engines
from tests.shop import ShopUnderTest, open_shop
from tests.web.conftest import Server, issued, serving

EVENTS = {"Accept": "text/event-stream"}
WATCH = "subscription($id: String!) { order(orderId: $id) }"


@pytest.fixture
async def shop(database_url: str, tmp_path: Path) -> AsyncIterator[ShopUnderTest]:
    async with open_shop(database_url, tmp_path) as shop:
        yield shop


@asynccontextmanager
async def _client(server: Server, shop: ShopUnderTest) -> AsyncIterator[httpx.AsyncClient]:
    headers = {"Authorization": f"Bearer {await issued(shop.db)}"}
    async with httpx.AsyncClient(base_url=server.url, headers=headers, timeout=20) as client:
        yield client


@asynccontextmanager
async def _watching(client: httpx.AsyncClient, query: str, **variables: str) -> AsyncIterator[AsyncIterator[int]]:
    """The values of the subscription's only field."""
    request = {"query": query, "variables": variables}
    async with client.stream("POST", "/graphql", json=request, headers=EVENTS) as response:

        async def values() -> AsyncIterator[int]:
            async for line in response.aiter_lines():
                if line.startswith("data: "):
                    [value] = orjson.loads(line[len("data: ") :])["data"].values()
                    yield value

        yield values()


async def _next(values: AsyncIterator[int], *, within_s: float) -> int:
    return await asyncio.wait_for(anext(values), within_s)


async def test_two_web_processes_both_see_a_change(web_settings: Settings, shop: ShopUnderTest, redis_url: str) -> None:
    await shop.stock_up({"pen": {"east": 1}})
    order = await shop.place({"pen": 1})
    with serving(web_settings) as one, serving(web_settings) as other:
        async with (
            _client(one, shop) as first,
            _client(other, shop) as second,
            _watching(first, WATCH, id=order_id(order)) as at_one,
            _watching(second, WATCH, id=order_id(order)) as at_other,
        ):
            assert await _next(at_one, within_s=5) == await _next(at_other, within_s=5) == 1
            shop.changes.clear()
            await shop.cancel(order)
            notifier = Notifier(redis_url)
            notifier.notify(shop.changes[0])
            assert await _next(at_one, within_s=2) == await _next(at_other, within_s=2) == 2
            await notifier.close()


async def test_after_a_lost_notification_a_subscriber_sees_the_change_within_two_seconds(
    server: Server, shop: ShopUnderTest
) -> None:
    await shop.stock_up({"pen": {"east": 1}})
    order = await shop.place({"pen": 1})
    async with _client(server, shop) as client, _watching(client, WATCH, id=order_id(order)) as values:
        assert await _next(values, within_s=5) == 1
        await shop.cancel(order)
        assert await _next(values, within_s=2) == 2


async def test_changes_arrive_while_redis_is_down(web_settings: Settings, shop: ShopUnderTest, open_dir: Path) -> None:
    await shop.stock_up({"pen": {"east": 2}})
    with Engines(open_dir / "redis-down", durable=False, database_url=web_settings.database_url) as engines:
        [valkey] = engines.servers
        with serving(web_settings.model_copy(update={"redis_url": engines.redis_url})) as server:
            order = await shop.place({"pen": 1})
            async with _client(server, shop) as client, _watching(client, WATCH, id=order_id(order)) as values:
                assert await _next(values, within_s=5) == 1
                await asyncio.to_thread(valkey.stop)
                await shop.cancel(order)
                assert await _next(values, within_s=2) == 2
                await asyncio.to_thread(valkey.start)
                assert (await client.post("/graphql", json={"query": "{ viewer }"})).status_code == 200
