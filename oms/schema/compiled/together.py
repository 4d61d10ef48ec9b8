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
            future = coroutine.send(None) if cancelled is None else coroutine.throw(cancelled)
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
                future._asyncio_future_blocking = False  # noqa: SLF001 - how a future knows that it was awaited
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
