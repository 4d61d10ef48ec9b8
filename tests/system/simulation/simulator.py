"""Runs histories one after another, on an event loop with virtual time and a prepared database."""

from collections.abc import Coroutine, Iterable
from types import TracebackType
from typing import Any, Self, TypeVar, cast

import asyncpg

from tests.system.simulation.clock import VirtualLoop
from tests.system.simulation.database import SteppedDatabase, create, drop
from tests.system.simulation.history import History, Outcome
from tests.system.simulation.scheduler import task_of_process

T = TypeVar("T")


class Simulator:
    """Creates a database of its own on a PostgreSQL server when it is entered."""

    def __init__(self, server_url: str) -> None:
        self._server_url = server_url
        self._loop = VirtualLoop()

    def __enter__(self) -> Self:
        url = create(self._server_url, self._run)
        self._loop.set_task_factory(cast(Any, task_of_process))
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

    def history(self, seed: int, steps: int | Iterable[int], **overrides: Any) -> Outcome:
        """Runs a history of that many steps, or of only the steps with these numbers.

        `overrides`: fields of its profile that do not follow from the seed.
        """
        numbers = range(steps) if isinstance(steps, int) else steps
        return self._run(History(self._loop, self._db, self._monitor, seed, overrides).run(numbers))

    def _run(self, coroutine: Coroutine[Any, Any, T]) -> T:
        return self._loop.run_until_complete(coroutine)


def shortest(simulator: Simulator, failed: Outcome, *, tries: int = 60) -> Outcome:
    """A history with fewer steps that fails, too: drops chunks of steps as long as it still fails."""
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
