"""Decides which process continues: all pause at every transaction and provider call, and one continues at a time.

Between two steps nothing runs: each task waits to be resumed, for a lock in PostgreSQL that a paused task holds, or for
virtual time. So a history follows from its choices alone, however fast the machine is; except where a commit changes a
row that two others wait for, of whom PostgreSQL lets either continue first.
"""

import asyncio
from collections.abc import Coroutine, Iterator
from contextlib import contextmanager
from contextvars import Context, ContextVar, copy_context
from dataclasses import dataclass, field
from typing import Any, Final

import asyncpg

from tests.system.simulation.clock import VirtualLoop

UNGRANTED: Final = "SELECT count(*) FROM pg_locks WHERE NOT granted"


@dataclass(eq=False)
class Process:
    """Can crash or freeze alone, with all tasks that it started. `queries`: how many are in progress."""

    name: str
    is_dead: bool = False
    frozen_until_s: float = 0.0
    tasks: list[asyncio.Task[Any]] = field(default_factory=list)
    queries: int = 0

    @property
    def context(self) -> Context:
        """Tasks started in it belong to this process."""
        context = copy_context()
        context.run(CURRENT.set, self)
        return context

    @property
    def is_done(self) -> bool:
        return all(task.done() for task in self.tasks)


CURRENT: Final[ContextVar[Process]] = ContextVar("CURRENT")


@dataclass(eq=False)
class Activity:
    """A transaction or a call in progress. `is_slow`: it pauses before every statement."""

    process: Process
    name: str
    number: int
    is_slow: bool = False
    pauses_before_commit: bool = False


@dataclass(eq=False)
class Pause:
    """An activity that waits to be resumed."""

    activity: Activity
    before: str
    resumed: asyncio.Future[None]

    def __str__(self) -> str:
        return f"{self.activity.process.name}: {self.activity.name} #{self.activity.number}, {self.before}"


class Scheduler:
    """Everything that is in progress in one history."""

    def __init__(self, loop: VirtualLoop, monitor: "asyncpg.Connection[asyncpg.Record]") -> None:
        self.committed: list[Activity] = []
        self._loop = loop
        self._monitor = monitor
        self._pauses: list[Pause] = []
        self._open: set[Activity] = set()
        self._queries: dict[Activity, int] = {}
        self._answered = asyncio.Event()
        self._answers = 0
        self._activities = 0

    def activity(self, name: str) -> Activity:
        self._activities += 1
        return Activity(CURRENT.get(), name, self._activities)

    async def pause(self, activity: Activity, before: str) -> None:
        """Waits until the activity is resumed. Raises CancelledError in a process that crashed."""
        if activity.process.is_dead:
            raise asyncio.CancelledError
        pause = Pause(activity, before, self._loop.create_future())
        self._pauses.append(pause)
        try:
            await pause.resumed
        finally:
            if pause in self._pauses:
                self._pauses.remove(pause)

    @contextmanager
    def query(self, activity: Activity) -> Iterator[None]:
        """While a query to PostgreSQL is in progress."""
        self._queries[activity] = self._queries.get(activity, 0) + 1
        activity.process.queries += 1
        try:
            yield
        finally:
            self._queries[activity] -= 1
            if not self._queries[activity]:
                del self._queries[activity]
            activity.process.queries -= 1
            self._answers += 1
            self._answered.set()

    def opened(self, transaction: Activity) -> None:
        """From now on it may hold locks."""
        self._open.add(transaction)

    def closed(self, transaction: Activity, *, committed: bool) -> None:
        self._open.discard(transaction)
        if committed:
            self.committed.append(transaction)

    def start(self, process: Process, coroutine: Coroutine[Any, Any, Any]) -> asyncio.Task[Any]:
        return process.context.run(self._loop.create_task, coroutine)

    def pauses(self) -> list[Pause]:
        """Those that can be resumed now, in an order that follows from the history."""
        now_s = self._loop.time()
        able = [pause for pause in self._pauses if pause.activity.process.frozen_until_s <= now_s]
        return sorted(able, key=lambda pause: pause.activity.number)

    def resume(self, pause: Pause) -> None:
        self._pauses.remove(pause)
        pause.resumed.set_result(None)

    async def crash(self, process: Process) -> None:
        """Like kill -9: PostgreSQL rolls its transactions back, and nothing of it runs any more."""
        process.is_dead = True
        for task in process.tasks:
            task.cancel()
        await self.settle()

    async def settle(self) -> None:
        """Until every task waits to be resumed, for a lock or for time."""
        while True:
            await self._quiet()
            if not self._queries:
                return
            answers = self._answers
            if len(self._queries) == 1 and not self._open - self._queries.keys():
                self._answered.clear()
                await self._answered.wait()
                continue
            blocked = await self._monitor.fetchval(UNGRANTED)
            await self._quiet()
            if answers == self._answers and blocked >= len(self._queries):
                # One commit may free several; from then on each continues statement by statement.
                for activity in self._queries:
                    activity.is_slow = activity.pauses_before_commit = True
                return

    async def _quiet(self) -> None:
        await asyncio.sleep(0)
        while not self._loop.is_quiet:  # noqa: ASYNC110 - there is no event for "nothing else is ready"
            await asyncio.sleep(0)


def task_of_process(
    loop: asyncio.AbstractEventLoop, coroutine: Coroutine[Any, Any, Any], **options: Any
) -> asyncio.Task[Any]:
    """A task factory: each process knows its tasks, so that they can end with it."""
    task: asyncio.Task[Any] = asyncio.Task(coroutine, loop=loop, **options)
    context: Context | None = options.get("context")
    process = context.get(CURRENT) if context is not None else CURRENT.get(None)
    if process is not None:
        process.tasks = [other for other in process.tasks if not other.done()]
        process.tasks.append(task)
    return task
