"""One of many processes on a database: `python -m tests.system.concurrency.racer URL FOLDER ACTION SEED SECONDS`."""

import asyncio
import random
import sys
import time
from datetime import timedelta
from pathlib import Path
from typing import Any

from sqlalchemy import text

from oms.domain.amendments import commands as amendments
from oms.domain.cancellation import commands as cancellation
from oms.domain.concepts import REGISTRY
from oms.domain.fraud import commands as fraud
from oms.domain.fulfilment import commands as fulfilment
from oms.domain.fulfilment.commands import CourierAction, MoveShipment
from oms.domain.placing import commands as placing
from oms.domain.placing.request import LineRequest, OrderRequest
from oms.domain.vocabulary.errors import Refused
from oms.jobs.consumer import Consumer
from oms.jobs.context import JobContext
from oms.platform.db import Changes, Database
from oms.providers.sandbox.call_log import CallLog
from oms.providers.sandbox.rules import SandboxRules
from oms.providers.sandbox.sandbox import Sandbox
from tests.shop import CART, COURIER, MANAGER, SUPPORT

SKUS = ("HOT", "WARM", "COOL")


class Racer:
    """Repeats one kind of action until its time is up. Refusals are expected."""

    def __init__(self, url: str, folder: Path, seed: int) -> None:
        self.chance = random.Random(seed)
        self.db = Database(url, pool_size=4, notify=self._ignore)
        self.sandbox = Sandbox(SandboxRules(failure_rate=0.05), CallLog(folder / "sandbox.sqlite"), chance=self.chance)
        self.context = JobContext(
            self.db, self.sandbox, self.sandbox, timedelta(seconds=1), timedelta(seconds=5), batch=20, attempts=50
        )

    @staticmethod
    def _ignore(_: Changes) -> None:
        """The racers poll."""

    async def place(self) -> None:
        """With few references and customers, so that processes compete; some repeat the orders of others."""
        number = self.chance.randrange(400)
        lines = tuple(LineRequest(sku, 1 + number % 3) for sku in SKUS[: 1 + number % 2])
        request = OrderRequest(f"order-{number}", f"customer-{number % 5}", lines, "sandbox-ok")
        async with self.db.transaction() as tx:
            await placing.place(tx, [(CART, request)])

    async def accept_or_cancel(self) -> None:
        order_id = await self._one("SELECT id FROM orders WHERE closed_at IS NULL ORDER BY random() LIMIT 1")
        if order_id:
            async with self.db.transaction() as tx:
                if self.chance.random() < 0.5:
                    await amendments.accept(tx, CART, order_id[0])
                else:
                    await cancellation.cancel(tx, SUPPORT, order_id[0], None)

    async def move(self) -> None:
        query = (
            "SELECT order_id, number FROM shipments WHERE status IN ('BOOKED', 'DISPATCHED') ORDER BY random() LIMIT 1"
        )
        if key := await self._one(query):
            action = self.chance.choice([CourierAction.DISPATCH, CourierAction.DELIVER, CourierAction.DELIVER])
            async with self.db.transaction() as tx:
                await fulfilment.move(tx, [(COURIER, MoveShipment(action, (key[0], key[1])))])

    async def manage(self) -> None:
        async with self.db.transaction() as tx:
            match self.chance.randrange(4):
                case 0:
                    await fraud.set_maintenance(tx, MANAGER, enabled=True)
                case 1:
                    await fraud.set_spending_limit(tx, MANAGER, self.chance.randrange(20_000, 60_000), "USD")
                case 2:
                    await fraud.clear_spending(tx, MANAGER, "A new period")
        await asyncio.sleep(0.05)
        async with self.db.transaction() as tx:
            await fraud.set_maintenance(tx, MANAGER, enabled=False)

    async def work(self) -> None:
        consumer = Consumer(self.context, tuple(REGISTRY.work_kinds))
        for queue in consumer.queues:
            await consumer.wake(queue)
        await consumer.finish()
        await asyncio.sleep(0.01)

    async def _one(self, query: str) -> tuple[Any, ...] | None:
        async with self.db.reading() as conn:
            row = (await conn.execute(text(query))).one_or_none()
        return tuple(row) if row else None


async def race(racer: Racer, action: str, seconds: float) -> None:
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        try:
            await getattr(racer, action)()
        except Refused:
            continue
    await racer.sandbox.aclose()
    await racer.db.close()


if __name__ == "__main__":
    url, folder, action, seed, seconds = sys.argv[1:]
    asyncio.run(race(Racer(url, Path(folder), int(seed)), action, float(seconds)))
