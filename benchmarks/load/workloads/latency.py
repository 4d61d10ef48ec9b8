"""Latency from placed to BOOKED of all shipments of an order, by the instants of events."""

import asyncio
from datetime import datetime
from typing import Final

from benchmarks.load.figures import Figures, median, memory, percentiles, spending
from benchmarks.load.ground import Ground
from benchmarks.load.loops import Pool, paced
from benchmarks.load.workloads import life
from benchmarks.load.workloads.place import PLACE, PLACED, placing
from oms.domain.vocabulary.actor import Role
from oms.domain.vocabulary.ids import uuid7_floor

PAUSE_S: Final = 0.15
"""Pause between two orders, so that the system is idle."""

_NOW: Final = "SELECT clock_timestamp()"
_BOOKED: Final = """
    SELECT extract(epoch FROM max(e.at) - o.placed_at)::float AS took_s
    FROM orders o JOIN order_events e ON e.order_id = o.id AND e.type = 'ShipmentBooked'
    WHERE o.id >= $1 AND o.id < $2 GROUP BY o.id, o.placed_at
"""


async def idle(ground: Ground, seconds: float) -> Figures:
    """`place_…`: the duration of the request itself."""
    document = ground.document(Role.SERVICE, PLACE)
    began_at: datetime = await ground.owner.fetchval(_NOW)
    until_s = asyncio.get_running_loop().time() + seconds
    times_s = []
    async with ground.connections(len(ground.shop.webs)) as connections:
        pool = Pool(connections)
        with spending(ground.shop.processes) as spent:
            while asyncio.get_running_loop().time() < until_s:
                times_s.append(await pool.ask(placing(ground, document), PLACED))
                await asyncio.sleep(PAUSE_S)
    return spent.each(len(times_s)) | percentiles(times_s, "place_") | await _booked(ground, began_at, len(times_s))


async def at_half_load(ground: Ground, seconds: float) -> Figures:
    """At a steady rate, with couriers: half of the rate of the workload life."""
    sustained = median(ground.earlier.get("life", []), "rate_per_s") or await _sustained(ground, seconds)
    per_s = max(1.0, sustained / 2)
    document = ground.document(Role.SERVICE, PLACE)
    async with life.couriers_at_work(ground), ground.connections(life.PLACERS) as connections:
        pool = Pool(connections)
        acts = [lambda: pool.ask(placing(ground, document), PLACED)] * max(1, round(per_s * seconds))
        began_at: datetime = await ground.owner.fetchval(_NOW)
        with spending(ground.shop.processes) as spent:
            await paced(per_s, acts)
        figures = await _booked(ground, began_at, len(acts))
    return spent.each(len(acts)) | figures | memory(ground.shop.processes)


async def _sustained(ground: Ground, seconds: float) -> float:
    """Measures the workload life if it has not been measured."""
    rate_per_s = (await life.sustained(ground, seconds / 2))["rate_per_s"]
    await ground.until_all_is_done()
    return rate_per_s


async def _booked(ground: Ground, began_at: datetime, placed: int) -> Figures:
    """Raises NotAsExpected if work is not done in time."""
    ended_at: datetime = await ground.owner.fetchval(_NOW)
    await ground.until_all_is_done()
    took = await ground.owner.fetch(_BOOKED, uuid7_floor(began_at), uuid7_floor(ended_at))
    figures = percentiles([row["took_s"] for row in took])
    return figures | {"not_booked": float(placed - len(took))}
