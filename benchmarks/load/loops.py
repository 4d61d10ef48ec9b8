"""How requests are sent: each connection one after the other, or at a steady pace whatever the answers take."""

import asyncio
import time
from collections.abc import Awaitable, Callable, Sequence
from typing import TypeVar

from benchmarks.load.http import Address, Connection

T = TypeVar("T")


async def connect(addresses: Sequence[Address], count: int) -> list[Connection]:
    """So many connections, shared out evenly."""
    return [await Connection.open(addresses[number % len(addresses)]) for number in range(count)]


async def closed_loop(
    connections: Sequence[Connection], request: Callable[[], bytes], expected: bytes, seconds: float
) -> list[float]:
    """Each connection asks again as soon as it was answered. Returns seconds from asking to the whole answer."""
    times_s: list[float] = []
    until_s = time.perf_counter() + seconds

    async def ask(connection: Connection) -> None:
        while (began_s := time.perf_counter()) < until_s:
            await connection.ask(request(), expected)
            times_s.append(time.perf_counter() - began_s)

    await together(*map(ask, connections))
    return times_s


async def paced(per_s: float, acts: Sequence[Callable[[], Awaitable[object]]]) -> None:
    """Begins each act at its time, however many are still under way; returns when all are done."""
    began_s = time.perf_counter()
    under_way: list[Awaitable[object]] = []
    for number, act in enumerate(acts):
        await asyncio.sleep(max(0.0, began_s + number / per_s - time.perf_counter()))
        under_way.append(asyncio.ensure_future(act()))
    await together(*under_way)


async def together(*acts: Awaitable[T]) -> list[T]:
    """All at once; the first error ends the others and is raised."""
    tasks = [asyncio.ensure_future(act) for act in acts]
    try:
        return list(await asyncio.gather(*tasks))
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


class Pool:
    """Connections that are taken by whoever asks next; who asks waits for a free one."""

    def __init__(self, connections: Sequence[Connection]) -> None:
        self._free: asyncio.Queue[Connection] = asyncio.Queue()
        for connection in connections:
            self._free.put_nowait(connection)

    async def ask(self, request: bytes, expected: bytes) -> float:
        """Seconds until the answer, those of waiting for a connection included."""
        began_s = time.perf_counter()
        connection = await self._free.get()
        try:
            await connection.ask(request, expected)
        finally:
            self._free.put_nowait(connection)
        return time.perf_counter() - began_s
