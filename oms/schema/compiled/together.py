"""Awaiting many coroutines at once without making a task of each.

asyncio.gather wraps every coroutine in a task, which takes longer than what most fields have to do: of fifty orders,
a hundred fields wait for the same two loaders. Here whoever awaits drives them all within its own task, as a task
would drive one: it sends into each until that waits for a future, and goes on with those whose futures are done.

They share one task, so a timeout that one of them sets cancels all. Only what waits for loaders comes here, whose
batches run in tasks of their own; what asks a database by itself goes by `gather_with_cancel`.
"""

from asyncio import CancelledError, Future, get_running_loop
from collections.abc import Coroutine, Generator, Sequence
from functools import partial
from types import CoroutineType, coroutine
from typing import Any

Waiting = Coroutine[Any, Any, Any]


class Together:
    """To be awaited, once: the results in the order of the coroutines.

    The first exception of one of them is raised after the others were cancelled and have ended, as
    graphql.pyutils.gather_with_cancel does.
    """

    __slots__ = ("_coroutines", "_failure", "_loop", "_ready", "_results", "_waiter", "_waits_for")

    def __init__(self, coroutines: Sequence[Waiting]) -> None:
        self._coroutines = dict(enumerate(coroutines))
        """Those that have not ended."""
        self._results: list[Any] = [None] * len(coroutines)
        self._ready: list[int] = list(self._coroutines)
        self._waits_for: dict[int, Future[Any] | None] = {}
        self._waiter: Future[None] | None = None
        self._failure: BaseException | None = None
        self._loop = get_running_loop()

    def __await__(self) -> Generator[Any, None, list[Any]]:
        while self._coroutines:
            ready, self._ready = self._ready, []
            failure = self._failure
            for index in ready:
                self._drive(index)
            if failure is not self._failure:
                self._cancel_all()
            elif self._coroutines and not self._ready:
                yield from self._wait()
        if self._failure is not None:
            raise self._failure
        return self._results

    def _wait(self) -> Generator[Any, None, None]:
        self._waiter = self._loop.create_future()
        try:
            yield from self._waiter
        except CancelledError as cancelled:
            self._failure = cancelled
            self._cancel_all()
        finally:
            self._waiter = None

    def _drive(self, index: int, cancelled: CancelledError | None = None) -> None:
        """Until it waits for something, or ends."""
        coroutine = self._coroutines[index]
        self._waits_for.pop(index, None)
        try:
            future = _taken(coroutine.send(None) if cancelled is None else coroutine.throw(cancelled))
        except StopIteration as ended:
            del self._coroutines[index]
            self._results[index] = ended.value
        except BaseException as error:  # noqa: BLE001 - raised when all have ended
            del self._coroutines[index]
            if self._failure is None:
                self._failure = error
        else:
            self._waits_for[index] = future
            if future is None:  # as asyncio.sleep(0): it only lets others go first
                self._loop.call_soon(self._wake, index, None)
            else:
                future.add_done_callback(partial(self._wake, index))

    def _wake(self, index: int, future: Future[Any] | None) -> None:
        if index in self._waits_for and self._waits_for[index] is future:
            self._ready.append(index)
            if self._waiter is not None and not self._waiter.done():
                self._waiter.set_result(None)

    def _cancel_all(self) -> None:
        """Each may still wait for what it has to put in order; then it is driven on as before."""
        self._ready.clear()
        for index in list(self._coroutines):
            self._drive(index, CancelledError())


def begun(awaited: Any) -> tuple[Any, bool]:
    """Its result and True, where it has to wait for nothing; else what is left to await of it, and False."""
    if type(awaited) is not CoroutineType:
        return awaited, False
    try:
        future = _taken(awaited.send(None))
    except StopIteration as ended:
        return ended.value, True
    return _rest(awaited, future), False


@coroutine
def _rest(begun: Waiting, future: Future[Any] | None) -> Generator[Any, Any, Any]:
    """What a coroutine still has to do, which waits for the future."""
    while True:
        if future is not None:
            future._asyncio_future_blocking = True  # noqa: SLF001 - see _taken
        try:
            sent = yield future
        except BaseException as error:  # noqa: BLE001 - it is for the coroutine
            resume = partial(begun.throw, error)
        else:
            resume = partial(begun.send, sent)
        try:
            future = _taken(resume())
        except StopIteration as ended:
            return ended.value


def _taken(future: Future[Any] | None) -> Future[Any] | None:
    """The same. By this mark a future knows that it is awaited and not merely yielded, until who drives takes it."""
    if future is not None:
        future._asyncio_future_blocking = False  # noqa: SLF001
    return future
