"""Beginning a coroutine without a task, to see whether it has to wait at all.

Most resolvers that could wait do not: what they ask for was read with the object that they belong to. Driven until it
waits for the first time, such a coroutine is at its end already, and its value is at hand like any other: no task, no
turn of the event loop. The others go on where they are awaited, perhaps within another task than they began in. That
is no matter to what waits for loaders, whose batches run in tasks of their own; it is to what sets a timeout, which
belongs to a task. So what asks a database by itself is not begun here.
"""

from asyncio import Future
from collections.abc import Coroutine, Generator
from functools import partial
from typing import Any


def begun(coroutine: Coroutine[Any, Any, Any]) -> Any:
    """Its result, where it has to wait for nothing; else an awaitable of it. Raises what it raises."""
    try:
        future = _taken(coroutine.send(None))
    except StopIteration as ended:
        return ended.value
    return _Rest(coroutine, future)


class _Rest:
    """What a coroutine still has to do, which waits for the future. Without one it only lets others go first."""

    __slots__ = ("_coroutine", "_future")

    def __init__(self, coroutine: Coroutine[Any, Any, Any], future: Future[Any] | None) -> None:
        self._coroutine = coroutine
        self._future = future

    def __await__(self) -> Generator[Any, Any, Any]:
        future = self._future
        while True:
            if future is not None:
                future._asyncio_future_blocking = True  # noqa: SLF001 - see _taken
            try:
                sent = yield future
            except BaseException as error:  # noqa: BLE001 - it is for the coroutine
                resume = partial(self._coroutine.throw, error)
            else:
                resume = partial(self._coroutine.send, sent)
            try:
                future = _taken(resume())
            except StopIteration as ended:
                return ended.value


def _taken(future: Future[Any] | None) -> Future[Any] | None:
    """The same. By its mark a future knows that it is awaited and not merely yielded, until who drives takes it off."""
    if future is not None:
        future._asyncio_future_blocking = False  # noqa: SLF001 - asyncio's own protocol; tasks do the same
    return future
