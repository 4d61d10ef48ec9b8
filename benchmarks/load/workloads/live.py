"""Live: many subscribers of one web process, each to its own order, while couriers change the orders."""

import asyncio
import time
from functools import partial
from typing import Any, Final

from benchmarks.load.catalogue import an_order_of, customer, sku
from benchmarks.load.couriers import DELIVER, DISPATCH, DONE
from benchmarks.load.figures import Figures, percentiles, spending
from benchmarks.load.ground import Ground
from benchmarks.load.http import Address, Connection, NotAsExpected
from benchmarks.load.loops import Pool, paced
from benchmarks.load.workloads.life import COURIERS
from benchmarks.load.workloads.place import place_many
from oms.domain.vocabulary.actor import Role

SUBSCRIBE: Final = "subscription ($id: ID!) { orderUpdated(orderId: $id) { id status shipments { id status } } }"
SHIPMENTS: Final = """query ($after: String) {
  shipments(first: 100, after: $after, filter: {status: [BOOKED]}) {
    nodes { id order { id } } pageInfo { hasNextPage endCursor } } }"""

WARM_UP: Final = 50
"""Subscribers that come and go before, so that the memory of each further one is measured."""

_TIMEOUT_S: Final = 60.0
_GRACE_S: Final = 5.0
_TOLD: Final = (b'"BOOKED"', b'"DISPATCHED"', b'"DELIVERED"')


class Subscriber(asyncio.Protocol):
    """One open stream. `received`: when it first received each status of its shipment."""

    def __init__(self) -> None:
        self.received: dict[bytes, float] = {}
        self._received = bytearray()

    @classmethod
    async def open(cls, address: Address, request: bytes) -> "Subscriber":
        transport, subscriber = await asyncio.get_running_loop().create_connection(cls, *address)
        transport.write(request)
        subscriber.close = transport.close  # type: ignore[method-assign]
        return subscriber

    def data_received(self, data: bytes) -> None:
        self._received += data
        for status in _TOLD:
            if status not in self.received and status in self._received:
                self.received[status] = time.perf_counter()

    def close(self) -> None:
        """Set when it is opened."""


async def subscribed(ground: Ground, _seconds: float) -> Figures:
    """From sending the command until the subscriber receives the event, including the command's own duration."""
    count = ground.options.subscribers
    shipments = await _booked(ground, count)
    web = ground.shop.processes["web"][0]
    subscribe = ground.document(Role.SUPPORT, SUBSCRIBE, accept="text/event-stream")
    await _come_and_go(ground, subscribe({"id": shipments[0][1]}))
    before_bytes = web.memory_info().rss
    subscribers = {
        shipment: await Subscriber.open(ground.shop.webs[0], subscribe({"id": order})) for shipment, order in shipments
    }
    await _until_received(list(subscribers.values()), b'"BOOKED"', _TIMEOUT_S)
    each_kb = (web.memory_info().rss - before_bytes) / count / 1e3
    sent: dict[tuple[str, bytes], float] = {}
    with spending(ground.shop.processes) as spent:
        await _press_all(ground, list(subscribers), sent)
    await _until_received(list(subscribers.values()), b'"DELIVERED"', _GRACE_S)
    heard = [
        subscribers[shipment].received[status] - at for (shipment, status), at in sent.items()
        if status in subscribers[shipment].received
    ]  # fmt: skip
    for subscriber in subscribers.values():
        subscriber.close()
    figures = spent.each(len(sent)) | percentiles(heard)
    return figures | {"subscribers": count, "lost": len(sent) - len(heard), "each_kb": each_kb}


async def _booked(ground: Ground, count: int) -> list[tuple[str, str]]:
    """Ids of shipment and order of so many new orders, each with one booked shipment."""
    inputs = [an_order_of(ground.reference(), customer(number + 1), sku(number % 500 + 1)) for number in range(count)]
    async with ground.connections(1) as [connection]:
        await place_many(ground, connection, inputs)
        await ground.until_all_is_done()
        found = await _all_booked(ground, connection)
    if len(found) != count:
        raise NotAsExpected(f"{len(found)} of {count} orders were booked")
    return found


async def _all_booked(ground: Ground, connection: Connection) -> list[tuple[str, str]]:
    document = ground.document(Role.SUPPORT, SHIPMENTS)
    found: list[tuple[str, str]] = []
    after = None
    while True:
        page: Any = (await connection.data(document({"after": after})))["shipments"]
        found += [(node["id"], node["order"]["id"]) for node in page["nodes"]]
        if not page["pageInfo"]["hasNextPage"]:
            return found
        after = page["pageInfo"]["endCursor"]


async def _come_and_go(ground: Ground, request: bytes) -> None:
    some = [await Subscriber.open(ground.shop.webs[0], request) for _ in range(WARM_UP)]
    await _until_received(some, b'"BOOKED"', _TIMEOUT_S)
    for subscriber in some:
        subscriber.close()


async def _until_received(subscribers: list[Subscriber], status: bytes, timeout_s: float) -> None:
    """Waits until all have received it, or until the timeout: the others count as lost."""
    until_s = time.perf_counter() + timeout_s
    while time.perf_counter() < until_s and not all(  # noqa: ASYNC110 - as exact as is needed
        status in each.received for each in subscribers
    ):
        await asyncio.sleep(0.05)


async def _press_all(ground: Ground, shipments: list[str], sent: dict[tuple[str, bytes], float]) -> None:
    """Dispatches and then delivers all shipments at the given rate."""
    commands = {
        b'"DISPATCHED"': ground.document(Role.COURIER, DISPATCH),
        b'"DELIVERED"': ground.document(Role.COURIER, DELIVER),
    }
    async with ground.connections(COURIERS, to=ground.shop.webs[-1:]) as connections:
        pool = Pool(connections)

        async def press(status: bytes, shipment: str) -> None:
            sent[shipment, status] = time.perf_counter()
            await pool.ask(commands[status]({"id": shipment}), DONE)

        acts = [partial(press, status, shipment) for status in commands for shipment in shipments]
        await paced(ground.options.changes_per_s, acts)
