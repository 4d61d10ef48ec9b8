"""The checker may run while the system works: an honest shop is clean at every instant."""

import asyncio
import random
from collections.abc import Awaitable, Callable
from datetime import timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

from oms.domain.concepts import REGISTRY
from oms.domain.fraud import commands as fraud
from oms.domain.vocabulary.errors import Refused
from oms.jobs.consumer import Consumer
from oms.tools.check.check import Kind
from oms.tools.check.sandbox.log import FILE_NAME
from oms.tools.check.snapshot import run_checks
from tests.shop import MANAGER, ShopUnderTest, open_shop
from tests.tools.check.conftest import plain

ORDERS = 60
SKUS = {"MUG": {"A": 90, "B": 90}, "CUP": {"A": 40, "B": 60}, "JUG": {"B": 20}}


async def work(shop: ShopUnderTest, chance: random.Random) -> None:
    """A worker that polls every queue until it is cancelled."""
    drains = Consumer(shop.work, tuple(REGISTRY.work_kinds))
    try:
        while True:
            for queue in drains.queues:
                await drains.wake(queue)
            await shop.execute("UPDATE work SET due_at = least(due_at, clock_timestamp()) WHERE queue <> 'deadlines'")
            await asyncio.sleep(chance.uniform(0, 0.05))
    finally:
        await drains.finish()


async def live(shop: ShopUnderTest, order_id: UUID, chance: random.Random) -> None:
    """Commands of people on one order; most come too early or too late and are refused."""
    acts: list[Callable[..., Awaitable[None]]] = [shop.accept, shop.cancel, shop.dispatch, shop.deliver, shop.fail]
    for act in chance.choices(acts, weights=[3, 1, 6, 6, 1], k=12):
        await asyncio.sleep(chance.uniform(0, 0.2))
        number = () if act in (shop.accept, shop.cancel) else (chance.randint(1, 2),)
        try:
            await act(order_id, *number)
        except Refused:
            continue


async def manage(shop: ShopUnderTest, chance: random.Random) -> None:
    """A manager who changes the fraud settings all the time."""
    while True:
        await asyncio.sleep(chance.uniform(0.05, 0.2))
        async with shop.db.transaction() as tx:
            match chance.choice(["limit", "on", "off", "off", "clear"]):
                case "limit":
                    await fraud.set_spending_limit(tx, MANAGER, chance.choice([0, 20_000, 40_000]), "USD")
                case "on":
                    await fraud.set_maintenance(tx, MANAGER, enabled=True)
                case "off":
                    await fraud.set_maintenance(tx, MANAGER, enabled=False)
                case _:
                    await fraud.clear_spending(tx, MANAGER, "Spring")


async def test_an_honest_shop_is_clean_at_every_instant(database_url: str, tmp_path: Path) -> None:
    chance = random.Random(7)
    rules: dict[str, Any] = {"failure_rate": 0.2, "decline_rate": 0.1, "refusal_rate": 0.1, "attempts": 1000}
    async with open_shop(database_url, tmp_path, answer_within=timedelta(seconds=0.4), **rules) as shop:
        await shop.stock_up(SKUS)
        background = [asyncio.create_task(work(shop, chance)) for _ in range(2)]
        background.append(asyncio.create_task(manage(shop, chance)))
        lives = []
        for _ in range(ORDERS):
            lines = [(sku, chance.randint(1, 5)) for sku in chance.choices(sorted(SKUS), k=2)]
            order_id = await shop.place(lines, customer=chance.choice(["ana", "bo", "cy"]))
            lives.append(asyncio.create_task(live(shop, order_id, chance)))
        found = []
        while not all(task.done() for task in lives):
            found.append(await run_checks(plain(database_url), tmp_path / FILE_NAME))
        await asyncio.gather(*lives)
        for task in background:
            task.cancel()
        await asyncio.gather(*background, return_exceptions=True)
        found.append(await run_checks(plain(database_url), tmp_path / FILE_NAME))
    assert len(found) > 1
    assert [(r.holds, r.first) for findings in found for r in findings.violated if r.kind == Kind.RULE] == []
