"""What resolvers ask for one by one, read many at once.

Strawberry's DataLoader does the same, and makes a future of what is known already, too. Here asking for that waits for
nothing: of an order that was read with all that belongs to it, no field has to come back later.
"""

import asyncio
from collections.abc import Awaitable, Callable, Hashable, Mapping
from typing import Generic, TypeVar

K = TypeVar("K", bound=Hashable)
V = TypeVar("V")


class Loader(Generic[K, V]):
    """Reads each thing once, and what is asked for in one turn of the event loop by one call of `read`.

    `read` gives what it finds, by key; what it does not find is `missing`.
    """

    __slots__ = ("_known", "_missing", "_next", "_read", "_reading", "_to_come")

    def __init__(self, read: Callable[[list[K]], Awaitable[Mapping[K, V]]], missing: V) -> None:
        self._read = read
        self._missing = missing
        self._known: dict[K, V] = {}
        self._to_come: dict[K, asyncio.Future[V]] = {}
        self._next: dict[K, asyncio.Future[V]] = {}
        """Asked for in this turn."""
        self._reading: set[asyncio.Task[None]] = set()
        """Kept, for the event loop itself would forget them."""

    def prime(self, key: K, value: V) -> None:
        """It was read elsewhere."""
        self._known[key] = value

    async def load(self, key: K) -> V:
        """Raises what `read` raises, to each who asked for something that it was to read."""
        if key in self._known:
            return self._known[key]
        coming = self._to_come.get(key)
        if coming is None or coming.cancelled():
            coming = self._ask(key)
        return await coming

    def _ask(self, key: K) -> "asyncio.Future[V]":
        loop = asyncio.get_running_loop()
        if not self._next:
            loop.call_soon(self._begin)
        self._next[key] = self._to_come[key] = loop.create_future()
        return self._next[key]

    def _begin(self) -> None:
        asked, self._next = self._next, {}
        task = asyncio.create_task(self._fulfil(asked))
        self._reading.add(task)
        task.add_done_callback(self._reading.discard)

    async def _fulfil(self, asked: dict[K, "asyncio.Future[V]"]) -> None:
        keys = [key for key, future in asked.items() if not future.cancelled()]
        try:
            found = await self._read(keys) if keys else {}
        except Exception as error:  # noqa: BLE001 - it belongs to those who asked
            for future in asked.values():
                if not future.done():
                    future.set_exception(error)
            return
        for key in keys:
            self._known[key] = found.get(key, self._missing)
            if not asked[key].done():
                asked[key].set_result(self._known[key])
