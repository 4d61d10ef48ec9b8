"""Couriers, who list BOOKED shipments page by page, and dispatch and deliver them."""

import asyncio
import time
from collections import deque
from typing import Any, Final

from benchmarks.load.ground import Ground
from benchmarks.load.http import Connection
from benchmarks.load.loops import together
from oms.domain.vocabulary.actor import Role

BOOKED: Final = """query Booked($after: String) {
  shipments(first: 100, after: $after, filter: {status: [BOOKED]}) {
    nodes { id } pageInfo { hasNextPage endCursor } } }"""
DISPATCH: Final = """mutation Dispatch($id: ID!) {
  dispatchShipment(shipmentId: $id) { userErrors { code message path } } }"""
DELIVER: Final = """mutation Deliver($id: ID!) {
  deliverShipment(shipmentId: $id) { userErrors { code message path } } }"""
DONE: Final = b'"userErrors":[]'

LOOK_EVERY_S: Final = 0.1
"""Interval of lists while couriers are idle: a list costs as much as many commands."""

ENOUGH: Final = 32
"""Maximum of listed shipments that wait: far below a page, so that the next page is mostly new."""


class Couriers:
    """Each has a connection; one more connection lists shipments. `times_s`: the duration of each command."""

    def __init__(self, ground: Ground) -> None:
        self._list = ground.document(Role.COURIER, BOOKED)
        self._commands = {
            "dispatch": ground.document(Role.COURIER, DISPATCH),
            "deliver": ground.document(Role.COURIER, DELIVER),
        }
        self._found: asyncio.Queue[str | None] = asyncio.Queue()  # None: go home
        self._count = 0
        self._seen: deque[str] = deque(maxlen=100_000)
        self._seen_set: set[str] = set()
        self._stopping = False
        self.times_s: dict[str, list[float]] = {"list": [], "dispatch": [], "deliver": []}

    async def work(self, looking: Connection, carrying: list[Connection]) -> None:
        """Works until stopped; dispatched shipments are delivered first."""
        self._count = len(carrying)
        await together(self._look(looking), *map(self._carry, carrying))

    def stop(self) -> None:
        """Stops after the listed shipments."""
        self._stopping = True
        for _ in range(self._count):
            self._found.put_nowait(None)

    def forget_times(self) -> None:
        """Starts measuring durations."""
        for times_s in self.times_s.values():
            times_s.clear()

    async def _look(self, connection: Connection) -> None:
        after: str | None = None
        while not self._stopping:
            if self._found.qsize() >= ENOUGH:
                await asyncio.sleep(LOOK_EVERY_S / 10)
                continue
            page = await self._page(connection, after)
            is_new = self._take(page["nodes"])
            after = None if is_new or not page["pageInfo"]["hasNextPage"] else page["pageInfo"]["endCursor"]
            if after is None and self._found.qsize() < ENOUGH:
                await asyncio.sleep(LOOK_EVERY_S)

    async def _page(self, connection: Connection, after: str | None) -> Any:
        began_s = time.perf_counter()
        data = await connection.data(self._list({"after": after}))
        self.times_s["list"].append(time.perf_counter() - began_s)
        return data["shipments"]

    def _take(self, nodes: list[dict[str, str]]) -> bool:
        """Whether any of them is new."""
        new = [node["id"] for node in nodes if node["id"] not in self._seen_set]
        for shipment in reversed(new):
            if len(self._seen) == self._seen.maxlen:
                self._seen_set.discard(self._seen.popleft())
            self._seen.append(shipment)
            self._seen_set.add(shipment)
            self._found.put_nowait(shipment)
        return bool(new)

    async def _carry(self, connection: Connection) -> None:
        while shipment := await self._found.get():
            for name, document in self._commands.items():
                began_s = time.perf_counter()
                await connection.ask(document({"id": shipment}), DONE)
                self.times_s[name].append(time.perf_counter() - began_s)
