"""Where histories run, one after another: an event loop of virtual time and a prepared database."""

from collections.abc import Coroutine, Iterable
from types import TracebackType
from typing import Any, Self, TypeVar, cast

import asyncpg

from tests.system.simulation.clock import VirtualLoop
from tests.system.simulation.database import SteppedDatabase, drop, make
from tests.system.simulation.history import History, Outcome
from tests.system.simulation.stage import remember_tasks

T = TypeVar("T")


class Simulator:
    """Enter it with the URL of a PostgreSQL server; it makes a database of its own there."""

    def __init__(self, server_url: str) -> None:
        self._server_url = server_url
        self._loop = VirtualLoop()

    def __enter__(self) -> Self:
        url = make(self._server_url, self._run)
        self._loop.set_task_factory(cast(Any, remember_tasks))
        self._db = SteppedDatabase(url)
        self._monitor: asyncpg.Connection[asyncpg.Record] = self._run(asyncpg.connect(url))
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._run(self._monitor.close())
        self._run(self._db.close())
        drop(self._server_url, self._run)
        self._loop.close()

    def history(self, seed: int, steps: int | Iterable[int], **settled: Any) -> Outcome:
        """Runs a history of so many steps, or of just the steps of these numbers.

        `settled` are fields of its temper that do not follow from the seed.
        """
        numbers = range(steps) if isinstance(steps, int) else steps
        return self._run(History(self._loop, self._db, self._monitor, seed, settled).run(numbers))

    def _run(self, coroutine: Coroutine[Any, Any, T]) -> T:
        return self._loop.run_until_complete(coroutine)


def shortest(simulator: Simulator, failed: Outcome, *, tries: int = 60) -> Outcome:
    """A history with fewer steps that fails as well: chunks are left out as long as that is so."""
    best, size = failed, max(1, len(failed.taken) // 2)
    while tries and size:
        start = 0
        while tries and start < len(best.taken):
            tries -= 1
            found = simulator.history(best.seed, best.taken[:start] + best.taken[start + size :])
            if found.violations:
                best = found
            else:
                start += size
        size //= 2
    return best
