"""Threads that hash passwords, each with a bounded queue.

A hash takes 64 MiB and 50 ms of CPU time, so at most two are computed at once: one for strangers, one for people whom
the server knows. So a flood of strangers' attempts delays nobody who signed in before.
"""

import asyncio
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from threading import BoundedSemaphore
from typing import Final, ParamSpec, TypeVar

P = ParamSpec("P")
R = TypeVar("R")

PLACES: Final = 20
"""Attempts in one lane at once, the one being hashed included: about a second's work."""

RETRY_AFTER_S: Final = 5


class LaneFull(Exception):
    """Too many wait already. The message says what to do; nothing was counted or verified."""

    def __init__(self, instead: str) -> None:
        busy = "The server is busy with the passwords of others, and did not check yours."
        super().__init__(f"{busy} Try again in {RETRY_AFTER_S} seconds{instead}.")


class Lane:
    """One thread, and the attempts that wait for it. `instead`: what else helps when it is full."""

    def __init__(self, name: str, *, places: int = PLACES, instead: str = "") -> None:
        self._instead = instead
        self._thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix=f"passwords of {name}")
        self._places = BoundedSemaphore(places)

    @contextmanager
    def place(self) -> Iterator[None]:
        """Holds a place while the block runs. Raises LaneFull at once if there is none."""
        if not self._places.acquire(blocking=False):
            raise LaneFull(self._instead)
        try:
            yield
        finally:
            self._places.release()

    async def run(self, function: Callable[P, R], *args: P.args, **kwargs: P.kwargs) -> R:
        """The function's result, computed in the lane's thread."""
        return await asyncio.wrap_future(self._thread.submit(function, *args, **kwargs))


STRANGERS: Final = Lane(
    "strangers", instead=", or now in a browser in which you have signed in before: that is served first"
)
KNOWN: Final = Lane("known people")
"""For signed-in people, browsers in which they signed in before, and the operator."""
