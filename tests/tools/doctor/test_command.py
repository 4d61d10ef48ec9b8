"""`python -m oms doctor` as an operator runs it: exit codes, the report, its JSON."""

import asyncio
import json
import os
import subprocess
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from oms.domain.concepts import REGISTRY
from oms.domain.work import store as work_store
from oms.domain.work.store import Heartbeat
from tests.oms_process import oms
from tests.shop import ShopUnderTest


def doctor(database_url: str, redis_url: str, *options: str) -> subprocess.CompletedProcess[str]:
    environment = os.environ | {"OMS_DATABASE_URL": database_url, "OMS_REDIS_URL": redis_url}
    return oms("doctor", *options, environment=environment)


async def test_a_running_shop_is_healthy(shop: ShopUnderTest, database_url: str, redis_url: str) -> None:
    async with alive(shop):
        done = await asyncio.to_thread(doctor, database_url, redis_url)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "No problems" in done.stdout


@asynccontextmanager
async def alive(shop: ShopUnderTest) -> AsyncIterator[None]:
    """A worker of every queue sends heartbeats, however long the command takes."""

    async def beat() -> None:
        while True:
            async with shop.db.transaction() as tx:
                await work_store.heartbeat(tx, Heartbeat("a worker", REGISTRY.work_kinds, REGISTRY.work_kinds))
            await asyncio.sleep(0.5)

    beating = asyncio.create_task(beat())
    await asyncio.sleep(0.1)
    try:
        yield
    finally:
        beating.cancel()
        await asyncio.gather(beating, return_exceptions=True)


async def test_a_standstill_is_reported_with_its_remedy_and_exits_with_1(
    shop: ShopUnderTest, database_url: str, redis_url: str, tmp_path: Path
) -> None:
    await shop.stock_up({"MUG": {"A": 5}})
    await shop.place({"MUG": 1}, reference="STUCK-1")
    done = doctor(database_url, redis_url, "--work-s", "0", "--json", str(tmp_path / "found.json"))
    assert done.returncode == 1, done.stdout + done.stderr
    assert "STUCK-1: the order is PENDING" in done.stdout
    assert "Start a worker that serves `allocation`" in done.stdout
    found = json.loads((tmp_path / "found.json").read_text())
    [standstill] = found["standstills"]
    assert (standstill["reference"], standstill["cause"], standstill["queue"]) == ("STUCK-1", "NO_WORKER", "allocation")
    assert not found["isHealthy"]


async def test_an_unreachable_redis_is_reported_with_its_consequence(shop: ShopUnderTest, database_url: str) -> None:
    done = doctor(database_url, "redis://127.0.0.1:1/0")
    assert done.returncode == 1
    assert "Redis" in done.stdout
    assert "Nothing is lost" in " ".join(done.stdout.split())


def test_an_unreachable_database_and_an_unknown_order_exit_with_2(database_url: str, redis_url: str) -> None:
    assert doctor("postgresql://nobody@127.0.0.1:1/none", redis_url).returncode == 2
    done = doctor(database_url, redis_url, "--order", "NO-SUCH-ORDER")
    assert done.returncode == 2
    assert "NO-SUCH-ORDER" in done.stderr
