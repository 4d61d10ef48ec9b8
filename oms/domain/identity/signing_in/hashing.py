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

from oms.domain.vocabulary.wording import joined, wording

P = ParamSpec("P")
R = TypeVar("R")

PLACES: Final = 20
"""Attempts in one lane at once, the one being hashed included: about a second's work."""

RETRY_AFTER_S: Final = 5


class LaneFull(Exception):
    """Too many wait already. The message says what to do; nothing was counted or verified."""

    def __init__(self, *, known_browser: bool) -> None:
        busy = wording("The server is busy with the passwords of others, and did not check yours.")
        again = (
            wording("Try again in {seconds} seconds.", seconds=RETRY_AFTER_S)
            if known_browser
            else wording(
                "Try again in {seconds} seconds, or now in a browser in which you have signed in before: "
                "that is served first.",
                seconds=RETRY_AFTER_S,
            )
        )
        self.message = joined([busy, again])
        super().__init__(self.message)


class Lane:
    """One thread that hashes passwords, with a bounded queue. `is_known`: it serves known people, not strangers."""

    def __init__(self, name: str, *, is_known: bool, places: int = PLACES) -> None:
        self._is_known = is_known
        self._thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix=f"passwords of {name}")
        self._places = BoundedSemaphore(places)

    @contextmanager
    def place(self) -> Iterator[None]:
        """Holds a place while the block runs. Raises LaneFull at once if there is none."""
        if not self._places.acquire(blocking=False):
            raise LaneFull(known_browser=self._is_known)
        try:
            yield
        finally:
            self._places.release()

    async def run(self, function: Callable[P, R], *args: P.args, **kwargs: P.kwargs) -> R:
        """The function's result, computed in the lane's thread."""
        return await asyncio.wrap_future(self._thread.submit(function, *args, **kwargs))


STRANGERS: Final = Lane("strangers", is_known=False)
KNOWN: Final = Lane("known people", is_known=True)
"""For signed-in people, browsers in which they signed in before, and the operator."""
