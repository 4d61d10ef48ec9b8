"""The whole life of orders at a sustained rate: as many are placed as completed, each command in its own request."""

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import datetime
from typing import Final

from benchmarks.load.catalogue import an_order
from benchmarks.load.couriers import Couriers
from benchmarks.load.figures import Figures, memory, percentiles, spending
from benchmarks.load.ground import Ground
from benchmarks.load.http import Connection
from benchmarks.load.loops import together
from benchmarks.load.workloads.place import PLACE, PLACED, place_many, placing
from oms.domain.vocabulary.actor import Role

PLACERS: Final = 16
COURIERS: Final = 16
COUNT_EVERY_S: Final = 0.2
RAMP_SHARE: Final = 0.5
"""The part of the measured time that passes first."""

_OUTSTANDING: Final = "SELECT count(*) FROM orders WHERE status IN ('PENDING', 'PROCESSING')"
_NOW: Final = "SELECT clock_timestamp()"
_COMPLETED: Final = """
    SELECT count(*) FROM orders WHERE closed_at >= $1 AND closed_at < $2 AND status = 'COMPLETED'
"""
_SHIPMENTS: Final = """
    SELECT count(*)::float / greatest(1, count(DISTINCT o.id)) FROM orders o JOIN shipments s ON s.order_id = o.id
    WHERE o.closed_at >= $1 AND o.closed_at < $2
"""


class Placing:
    """Places orders while fewer are outstanding than allowed, counted in the database."""

    def __init__(self, ground: Ground) -> None:
        self._ground = ground
        self._document = ground.document(Role.SERVICE, PLACE)
        self._free = 0
        self._stopping = False
        self.times_s: list[float] = []

    def stop(self) -> None:
        self._stopping = True

    async def work(self, connections: list[Connection]) -> None:
        await together(self._count(), *map(self._place, connections))

    async def _count(self) -> None:
        while not self._stopping:
            outstanding = await self._ground.owner.fetchval(_OUTSTANDING)
            self._free = self._ground.options.outstanding - outstanding
            await asyncio.sleep(COUNT_EVERY_S)

    async def _place(self, connection: Connection) -> None:
        while not self._stopping:
            if self._free <= 0:
                await asyncio.sleep(COUNT_EVERY_S / 10)
                continue
            self._free -= 1
            began_s = time.perf_counter()
            await connection.ask(placing(self._ground, self._document), PLACED)
            self.times_s.append(time.perf_counter() - began_s)


@asynccontextmanager
async def couriers_at_work(ground: Ground) -> AsyncIterator[Couriers]:
    """Runs during the block; raises their errors at its end."""
    couriers = Couriers(ground)
    async with ground.connections(COURIERS + 1) as [looking, *carrying]:
        working = asyncio.create_task(couriers.work(looking, carrying))
        try:
            yield couriers
        finally:
            couriers.stop()
            await working


async def sustained(ground: Ground, seconds: float) -> Figures:
    """Orders completed in a steady interval, by the database. `outstanding_…` shows that no backlog grew.

    It begins with as many orders as may be outstanding, which have spread over all stages when the stretch begins.
    """
    async with couriers_at_work(ground) as couriers, ground.connections(PLACERS) as connections:
        missing = ground.options.outstanding - await ground.owner.fetchval(_OUTSTANDING)
        await place_many(ground, connections[0], [an_order(ground.reference()) for _ in range(missing)])
        placing = Placing(ground)
        working = asyncio.create_task(placing.work(connections))
        try:
            await asyncio.sleep(seconds * RAMP_SHARE)
            return await _steady(ground, placing, couriers, seconds)
        finally:
            placing.stop()
            await working


async def _steady(ground: Ground, placing: Placing, couriers: Couriers, seconds: float) -> Figures:
    couriers.forget_times()
    placing.times_s.clear()
    outstanding = await ground.owner.fetchval(_OUTSTANDING)
    with spending(ground.shop.processes) as spent:
        began_at: datetime = await ground.owner.fetchval(_NOW)
        await asyncio.sleep(seconds)
        ended_at: datetime = await ground.owner.fetchval(_NOW)
    completed = await ground.owner.fetchval(_COMPLETED, began_at, ended_at)
    figures = spent.each(completed) | memory(ground.shop.processes) | percentiles(placing.times_s, "place_")
    for name, times_s in couriers.times_s.items():
        figures |= percentiles(times_s, f"{name}_")
    return figures | {
        "outstanding_before": float(outstanding),
        "outstanding_after": float(await ground.owner.fetchval(_OUTSTANDING)),
        "shipments_an_order": await ground.owner.fetchval(_SHIPMENTS, began_at, ended_at),
    }
