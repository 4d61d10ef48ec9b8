"""A worker hears wake-ups again whatever happened to its listeners, says when it does not, and stops in any case."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from arq.worker import Worker
from sqlalchemy.engine import make_url

from oms.domain.concepts import REGISTRY
from oms.jobs import worker
from oms.jobs.worker import WorkerProcess
from oms.platform.settings import Settings, load_settings
from oms.tools.doctor.health import check_health
from tests.shop import ShopUnderTest, open_shop
from tests.system.faults.link import HOST, Link
from tests.web.conftest import until

ALL = set(REGISTRY.work_kinds)


@pytest.fixture
async def shop(database_url: str, tmp_path: Path) -> AsyncIterator[ShopUnderTest]:
    async with open_shop(database_url, tmp_path) as shop:
        yield shop


@pytest.fixture
def settings(database_url: str, redis_url: str, shop: ShopUnderTest) -> Settings:
    return load_settings(database_url=database_url, redis_url=redis_url)


@asynccontextmanager
async def _working(settings: Settings) -> AsyncIterator[None]:
    stop = asyncio.Event()
    running = asyncio.create_task(WorkerProcess(settings).run(until=stop))
    try:
        yield
    finally:
        stop.set()
        await asyncio.wait_for(running, 30)


@asynccontextmanager
async def _link_to(url: str) -> AsyncIterator[tuple[Link, str]]:
    """A link to Redis, and the URL that leads over it."""
    address = urlsplit(url)
    link = Link(lambda: [address.port or 0])
    await link.open()
    try:
        yield link, address._replace(netloc=address.netloc.replace(f":{address.port}", f":{link.port}")).geturl()
    finally:
        link.close()


def _listens_to(shop: ShopUnderTest, queues: set[str]) -> Callable[[], Awaitable[bool]]:
    async def is_so() -> bool:
        rows = await shop.rows("SELECT listening FROM workers")
        return bool(rows) and all(set(row[0]) == queues for row in rows)

    return is_so


async def _lose() -> None:
    raise RuntimeError("unable to perform operation on <TCPTransport closed=True reading=False>; the handler is closed")


async def _cancel_itself() -> None:
    raise asyncio.CancelledError


async def _hang() -> None:
    await asyncio.Event().wait()


@pytest.mark.parametrize("fate", [_lose, _cancel_itself, _hang])
async def test_a_listener_that_died_or_hangs_is_started_again(
    shop: ShopUnderTest, settings: Settings, monkeypatch: pytest.MonkeyPatch, fate: Callable[[], Awaitable[None]]
) -> None:
    monkeypatch.setattr(worker, "SILENT_S", 0.5)
    main, met = Worker.main, set()

    async def main_after_fate(self: Any) -> None:
        if self.queue_name not in met:
            met.add(self.queue_name)
            await fate()
        await main(self)

    monkeypatch.setattr(Worker, "main", main_after_fate)
    async with _working(settings):
        await until(_listens_to(shop, ALL), within_s=20)
        assert len(met) == len(ALL)
        assert (await shop.rows("SELECT failures >= 4 FROM workers")) == [(True,)]


async def test_a_worker_whose_connections_died_silently_says_so_and_listens_again(
    shop: ShopUnderTest,
    settings: Settings,
    database_url: str,
    redis_url: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(worker, "SILENT_S", 1.0)
    async with (
        _link_to(redis_url) as (link, over_link),
        _working(settings.model_copy(update={"redis_url": over_link})),
    ):
        await until(_listens_to(shop, ALL), within_s=20)
        link.hold()
        await until(_listens_to(shop, set()), within_s=20)
        found = await check_health(shop.db, redis_url, tmp_path)
        states = [finding.state for finding in found if finding.name.startswith("Workers") and not finding.is_healthy]
        assert states == ["1 alive, 1 of them hear no wake-ups"] * len(ALL)
        link.abandon()
        await until(_listens_to(shop, ALL), within_s=20)
        for _ in range(20):
            link.cut()
            await asyncio.sleep(0.03)
        await until(_listens_to(shop, ALL), within_s=20)


async def test_a_worker_stops_although_the_database_is_away(
    shop: ShopUnderTest, settings: Settings, database_url: str
) -> None:
    address = make_url(database_url)
    link = Link(lambda: [address.port or 0])
    await link.open()
    over_link = address.set(host=HOST, port=link.port).render_as_string(hide_password=False)
    async with _working(settings.model_copy(update={"database_url": over_link})):
        await until(_listens_to(shop, ALL), within_s=20)
        link.close()


async def test_old_keys_are_removed_as_fast_as_they_come(shop: ShopUnderTest, settings: Settings) -> None:
    await shop.execute(
        """INSERT INTO idempotency_keys (caller, key, body_hash, subject, created_at)
           SELECT 'cart', n::text, '', 'null', clock_timestamp() - n % 2 * interval '3 days'
           FROM generate_series(1, 60000) AS n"""
    )
    async with _working(settings):

        async def are_gone() -> bool:
            return await shop.rows("SELECT count(*) FROM idempotency_keys") == [(30_000,)]

        await until(are_gone, within_s=60)
