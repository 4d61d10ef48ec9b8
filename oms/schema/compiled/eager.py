"""Start a coroutine at once, and find out whether it has to wait at all.

Most asynchronous resolvers do not wait: what they need was read together with their object. Such a coroutine ends in
its first step, so its value needs neither a task nor a turn of the event loop. From Python 3.12 on this is an eager
task. Python 3.11 has none, and a plain task for each field makes a page of 50 orders cost 55 % more CPU, so the first
step is taken here.
"""

import asyncio
import sys
from collections.abc import Coroutine, Generator
from functools import partial
from typing import Any

if sys.version_info >= (3, 12):

    def started(coroutine: Coroutine[Any, Any, Any]) -> Any:
        """Its result if it does not wait, else an awaitable of it. Raises what it raises in its first step."""
        task = asyncio.Task(coroutine, loop=asyncio.get_running_loop(), eager_start=True)
        return task.result() if task.done() else task

else:

    def started(coroutine: Coroutine[Any, Any, Any]) -> Any:
        """Its result if it does not wait, else an awaitable of it. Raises what it raises in its first step."""
        try:
            future = coroutine.send(None)
        except StopIteration as ended:
            return ended.value
        return _Remainder(coroutine, future)


class _Remainder:
    """The rest of a coroutine that waits for a future; None if it only lets others run first.

    Coroutines that are started here must not set a timeout, because another task than the one that started them may
    await the rest. Each must wait for futures of its own: only a task can prepare a future for a second await.
    """

    __slots__ = ("_coroutine", "_future")

    def __init__(self, coroutine: Coroutine[Any, Any, Any], future: "asyncio.Future[Any] | None") -> None:
        self._coroutine = coroutine
        self._future = future

    def __await__(self) -> Generator[Any, Any, Any]:
        while True:
            try:
                yield from _end_of(self._future)
            except BaseException as error:  # noqa: BLE001 - the coroutine handles it
                resume = partial(self._coroutine.throw, error)
            else:
                resume = partial(self._coroutine.send, None)
            try:
                self._future = resume()
            except StopIteration as ended:
                return ended.value


def _end_of(future: "asyncio.Future[Any] | None") -> Generator[Any, Any, None]:
    """Waits until the future has ended, however it ends; the coroutine, which awaits it already, reads its result."""
    if future is None:
        yield None
    elif not future.done():
        ended: asyncio.Future[None] = future.get_loop().create_future()
        future.add_done_callback(lambda _: None if ended.done() else ended.set_result(None))
        yield from ended.__await__()
