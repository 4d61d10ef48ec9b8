"""What stays open by itself, subscriptions over WebSockets and events: ended when the server stops."""

import asyncio
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import Final

PATIENCE_S: Final = 1.0


class OpenStreams:
    """The open streams of one process, each with what ends it."""

    def __init__(self) -> None:
        self._ends: dict[object, Callable[[], object]] = {}
        self._none_open = asyncio.Event()
        self._none_open.set()

    @contextmanager
    def open(self, end: Callable[[], object]) -> Iterator[None]:
        """Counts as open while the block runs. `end` is called from the event loop, perhaps twice; it must not wait."""
        key = object()
        self._ends[key] = end
        self._none_open.clear()
        try:
            yield
        finally:
            del self._ends[key]
            if not self._ends:
                self._none_open.set()

    async def end_all(self) -> None:
        """The server stops: clients are told to come back. Waits, but not for long, until they were told."""
        for end in list(self._ends.values()):
            end()
        with suppress(TimeoutError):
            async with asyncio.timeout(PATIENCE_S):
                await self._none_open.wait()

    def __len__(self) -> int:
        return len(self._ends)
