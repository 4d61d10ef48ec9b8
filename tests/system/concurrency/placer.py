"""A process that places a customer's orders at once: `python -m tests.system.concurrency.placer URL NAME ORDERS LIMIT`.

It prints a line when it is ready, and begins when it reads one.
"""

import asyncio
import sys

import oms.domain.concepts  # noqa: F401 - registers them
from oms.domain.placing import commands as placing
from oms.domain.placing.limits import PlacingLimits
from oms.domain.placing.request import LineRequest, OrderRequest
from oms.platform.db import Changes, Database
from tests.shop import customer


def _ignore(_: Changes) -> None:
    """Nobody subscribes."""


async def place_all(url: str, name: str, orders: int, most_units: int) -> None:
    db = Database(url, pool_size=orders, notify=_ignore)

    async def place(number: int) -> None:
        request = OrderRequest(f"{name}-{number}", "ana", (LineRequest("MUG", 2),), "sandbox-ok")
        async with db.transaction() as tx:
            await placing.place(tx, [(customer("ana"), request)], limits=PlacingLimits(unpaid_units=most_units))

    sys.stdout.write("ready\n")
    sys.stdout.flush()
    await asyncio.to_thread(sys.stdin.readline)
    await asyncio.gather(*(place(number) for number in range(orders)))
    await db.close()


if __name__ == "__main__":
    url, name, orders, most_units = sys.argv[1:]
    asyncio.run(place_all(url, name, int(orders), int(most_units)))
