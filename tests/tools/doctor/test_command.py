"""`python -m oms doctor` as an operator runs it: exit codes, the report, its JSON."""

import asyncio
import json
import os
import subprocess
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from oms.domain.work import store as work_store
from oms.domain.work.model import Queue
from oms.platform.settings import PROJECT_DIR
from tests.shop import ShopUnderTest


def doctor(database_url: str, redis_url: str, *options: str) -> subprocess.CompletedProcess[str]:
    environment = os.environ | {"OMS_DATABASE_URL": database_url, "OMS_REDIS_URL": redis_url}
    command = [sys.executable, "-m", "oms", "doctor", *options]
    return subprocess.run(command, env=environment, cwd=PROJECT_DIR, capture_output=True, text=True, check=False)


async def test_a_shop_that_runs_is_well(shop: ShopUnderTest, database_url: str, redis_url: str) -> None:
    async with alive(shop):
        told = await asyncio.to_thread(doctor, database_url, redis_url)
    assert told.returncode == 0, told.stdout + told.stderr
    assert "All is well" in told.stdout


@asynccontextmanager
async def alive(shop: ShopUnderTest) -> AsyncIterator[None]:
    """A worker of every queue shows signs of life, however long the command takes."""

    async def show() -> None:
        while True:
            async with shop.db.transaction() as tx:
                await work_store.worker_seen(tx, "a worker", [str(queue) for queue in Queue])
            await asyncio.sleep(0.5)

    showing = asyncio.create_task(show())
    await asyncio.sleep(0.1)
    try:
        yield
    finally:
        showing.cancel()
        await asyncio.gather(showing, return_exceptions=True)


async def test_what_stands_still_is_named_with_its_remedy_and_fails_the_command(
    shop: ShopUnderTest, database_url: str, redis_url: str, tmp_path: Path
) -> None:
    await shop.stock_up({"MUG": {"A": 5}})
    await shop.place({"MUG": 1}, reference="STUCK-1")
    told = doctor(database_url, redis_url, "--work-s", "0", "--json", str(tmp_path / "found.json"))
    assert told.returncode == 1, told.stdout + told.stderr
    assert "STUCK-1: the order is PENDING" in told.stdout
    assert "Start a worker that serves `allocation`" in told.stdout
    found = json.loads((tmp_path / "found.json").read_text())
    [standstill] = found["standstills"]
    assert (standstill["reference"], standstill["cause"], standstill["queue"]) == ("STUCK-1", "NO_WORKER", "allocation")
    assert not found["isWell"]


async def test_redis_that_is_away_is_told_with_what_it_costs(shop: ShopUnderTest, database_url: str) -> None:
    told = doctor(database_url, "redis://127.0.0.1:1/0")
    assert told.returncode == 1
    assert "Redis" in told.stdout
    assert "Nothing is lost" in " ".join(told.stdout.split())


def test_a_database_that_is_away_or_an_order_unknown_cant_be_told(database_url: str, redis_url: str) -> None:
    assert doctor("postgresql://nobody@127.0.0.1:1/none", redis_url).returncode == 2
    told = doctor(database_url, redis_url, "--order", "NO-SUCH-ORDER")
    assert told.returncode == 2
    assert "NO-SUCH-ORDER" in told.stderr
