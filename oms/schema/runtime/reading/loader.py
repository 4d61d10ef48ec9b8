"""Reads that resolvers request one by one, executed many at once.

Like Strawberry's DataLoader, but loading what is known already returns without waiting: an order that was read with
everything below it needs no further turn of the event loop.
"""

import asyncio
from collections.abc import Awaitable, Callable, Hashable, Mapping
from typing import Generic, TypeVar

from oms.platform.tasks import detached

K = TypeVar("K", bound=Hashable)
V = TypeVar("V")


class Loader(Generic[K, V]):
    """Reads each key once, and all keys requested in one turn of the event loop by one call of `read`.

    `read` returns what it finds, by key; `missing` stands for the others.
    """

    __slots__ = ("_known", "_missing", "_next", "_read", "_waiting")

    def __init__(self, read: Callable[[list[K]], Awaitable[Mapping[K, V]]], missing: V) -> None:
        self._read = read
        self._missing = missing
        self._known: dict[K, V] = {}
        self._waiting: dict[K, list[asyncio.Future[V]]] = {}
        """Each caller has a future of its own, as oms.schema.compiled.eager requires."""
        self._next: list[K] = []
        """Requested in this turn."""

    def prime(self, key: K, value: V) -> None:
        """Stores a value that was read elsewhere."""
        self._known[key] = value

    async def load(self, key: K) -> V:
        """Raises what `read` raises, for each key that it was to read."""
        if key in self._known:
            return self._known[key]
        loop = asyncio.get_running_loop()
        if key not in self._waiting:
            self._waiting[key] = []
            if not self._next:
                loop.call_soon(self._start)
            self._next.append(key)
        future: asyncio.Future[V] = loop.create_future()
        self._waiting[key].append(future)
        return await future

    def _start(self) -> None:
        keys, self._next = self._next, []
        detached("loader", self._fulfil(keys))

    async def _fulfil(self, requested: list[K]) -> None:
        keys = [key for key in requested if self._is_awaited(key)]
        try:
            found = await self._read(keys) if keys else {}
        except Exception as error:  # noqa: BLE001 - every caller gets it
            for key in keys:
                for future in self._awaiting(key):
                    future.set_exception(error)
            return
        for key in keys:
            self._known[key] = value = found.get(key, self._missing)
            for future in self._awaiting(key):
                future.set_result(value)

    def _is_awaited(self, key: K) -> bool:
        """Forgets the key if all its callers were cancelled."""
        if all(future.cancelled() for future in self._waiting[key]):
            del self._waiting[key]
            return False
        return True

    def _awaiting(self, key: K) -> list["asyncio.Future[V]"]:
        """The futures of the callers who were not cancelled; nobody waits for the key after this."""
        return [future for future in self._waiting.pop(key) if not future.done()]
