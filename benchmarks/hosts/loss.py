"""A host is lost while orders are placed and processed: no acknowledged order may be lost."""

import asyncio
from collections.abc import Mapping
from typing import Any, Final

from benchmarks.hosts.site import Site
from benchmarks.load.catalogue import an_order
from benchmarks.load.ground import Ground
from benchmarks.load.http import Address, Connection, NotAsExpected
from benchmarks.load.workloads.place import PLACE, PLACED
from oms.domain.vocabulary.actor import Role

PLACERS: Final = 16
_ANSWER_WITHIN_S: Final = 2.0
_FOUND: Final = "SELECT count(*) FROM orders WHERE reference = ANY ($1::text[])"
_TWICE: Final = """
    SELECT count(*) FROM (
        SELECT FROM order_events WHERE type = 'ShipmentCharged' GROUP BY order_id, subject HAVING count(*) > 1) twice
"""


class Placing:
    """Places orders until stopped; an unanswered request is repeated at the next host. `acknowledged`: references."""

    def __init__(self, ground: Ground, site: Site) -> None:
        self._ground = ground
        self._site = site
        self._document = ground.document(Role.SERVICE, PLACE)
        self._stopping = False
        self.acknowledged: list[str] = []
        self.asked_again = 0

    def stop(self) -> None:
        self._stopping = True

    async def work(self) -> None:
        await asyncio.gather(*(self._place(number) for number in range(PLACERS)))

    async def _place(self, number: int) -> None:
        connection: Connection | None = None
        while not self._stopping:
            given = an_order(self._ground.reference())
            while not (connection := await self._answered(connection, number, given)):
                self.asked_again += 1
                number += 1
            self.acknowledged.append(given["reference"])

    async def _answered(
        self, connection: Connection | None, number: int, given: Mapping[str, Any]
    ) -> Connection | None:
        """The connection that returned the answer; None after a timeout."""
        try:
            async with asyncio.timeout(_ANSWER_WITHIN_S):
                connection = connection or await Connection.open(self._address(number))
                await connection.ask(self._document({"input": given}), PLACED)
                return connection
        except (OSError, NotAsExpected):  # no way there, or the host has none to its database
            if connection:
                connection.close()
            return None

    def _address(self, number: int) -> Address:
        return self._site.webs[number % len(self._site.webs)]


async def lose_one(ground: Ground, site: Site, seconds: float) -> str:
    """The result as text. Raises NotAsExpected if an acknowledged order is missing or charged twice."""
    placing = Placing(ground, site)
    working = asyncio.create_task(placing.work())
    await asyncio.sleep(seconds / 2)
    before = len(placing.acknowledged)
    site.lose_host()
    await asyncio.sleep(seconds / 2)
    placing.stop()
    await working
    await ground.until_all_is_done()
    count = len(placing.acknowledged)
    found = await ground.owner.fetchval(_FOUND, placing.acknowledged)
    twice = await ground.owner.fetchval(_TWICE)
    if found != count or twice:
        raise NotAsExpected(f"{found} orders of {count} acknowledged are there; {twice} shipments were charged twice")
    return (
        f"{count:,} orders were acknowledged, {count - before:,} of them after the host was lost, and all are there; "
        f"{placing.asked_again} requests were asked again at another host. No shipment was charged twice."
    )
