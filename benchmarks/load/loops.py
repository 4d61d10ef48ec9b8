"""Ways to send requests: sequentially on each connection, or at a steady rate."""

import asyncio
import time
from collections.abc import Awaitable, Callable, Sequence
from typing import TypeVar

from benchmarks.load.http import Address, Connection

T = TypeVar("T")


async def connect(addresses: Sequence[Address], count: int) -> list[Connection]:
    """Opens so many connections, distributed evenly."""
    return [await Connection.open(addresses[number % len(addresses)]) for number in range(count)]


async def closed_loop(
    connections: Sequence[Connection], request: Callable[[], bytes], expected: bytes, seconds: float
) -> list[float]:
    """Each connection sends the next request after each response. Returns durations in seconds."""
    times_s: list[float] = []
    until_s = time.perf_counter() + seconds

    async def ask(connection: Connection) -> None:
        while (began_s := time.perf_counter()) < until_s:
            await connection.ask(request(), expected)
            times_s.append(time.perf_counter() - began_s)

    await together(*map(ask, connections))
    return times_s


async def paced(per_s: float, acts: Sequence[Callable[[], Awaitable[object]]]) -> None:
    """Starts each act at its time, however many are running; returns when all have ended."""
    began_s = time.perf_counter()
    under_way: list[Awaitable[object]] = []
    for number, act in enumerate(acts):
        await asyncio.sleep(max(0.0, began_s + number / per_s - time.perf_counter()))
        under_way.append(asyncio.ensure_future(act()))
    await together(*under_way)


async def together(*acts: Awaitable[T]) -> list[T]:
    """Runs all concurrently; the first error cancels the others and is raised."""
    tasks = [asyncio.ensure_future(act) for act in acts]
    try:
        return list(await asyncio.gather(*tasks))
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


class Pool:
    """A pool of connections; a request waits for a free one."""

    def __init__(self, connections: Sequence[Connection]) -> None:
        self._free: asyncio.Queue[Connection] = asyncio.Queue()
        for connection in connections:
            self._free.put_nowait(connection)

    async def ask(self, request: bytes, expected: bytes) -> float:
        """Seconds until the response, including the wait for a connection."""
        began_s = time.perf_counter()
        connection = await self._free.get()
        try:
            await connection.ask(request, expected)
        finally:
            self._free.put_nowait(connection)
        return time.perf_counter() - began_s
