"""Who goes on, and when: processes stop at every transaction and every call, and one at a time is let on.

Between two steps nothing runs: each task waits for its turn, for a lock in PostgreSQL that a stopped one holds, or for
virtual time. So a history follows from its choices alone, however fast the machine is.
"""

import asyncio
from collections.abc import Coroutine, Iterator
from contextlib import contextmanager
from contextvars import Context, ContextVar, copy_context
from dataclasses import dataclass, field
from typing import Any, Final

import asyncpg

from tests.system.simulation.clock import Clock, VirtualLoop

UNGRANTED: Final = "SELECT count(*) FROM pg_locks WHERE NOT granted"


@dataclass(eq=False)
class Process:
    """Something that can crash or freeze alone, with all tasks it has started."""

    name: str
    is_dead: bool = False
    frozen_until_s: float = 0.0
    tasks: list[asyncio.Task[Any]] = field(default_factory=list)
    flights: int = 0

    @property
    def context(self) -> Context:
        """Tasks started in it belong to this process."""
        context = copy_context()
        context.run(HERE.set, self)
        return context

    @property
    def is_done(self) -> bool:
        return all(task.done() for task in self.tasks)


HERE: Final[ContextVar[Process]] = ContextVar("HERE")


@dataclass(eq=False)
class Act:
    """A transaction or a call under way. `is_slow`: it stops before every statement; `is_open`: it may hold locks."""

    process: Process
    name: str
    number: int
    is_slow: bool = False
    stops_before_commit: bool = False
    is_open: bool = False


@dataclass(eq=False)
class Turn:
    """An act that waits to be let on."""

    act: Act
    before: str
    go: asyncio.Future[None]

    def __str__(self) -> str:
        return f"{self.act.process.name}: {self.act.name} #{self.act.number}, {self.before}"


class Stage:
    """Everything that is under way in one history."""

    def __init__(self, loop: VirtualLoop, clock: Clock, monitor: "asyncpg.Connection[asyncpg.Record]") -> None:
        self.clock = clock
        self.committed: list[Act] = []
        self._loop = loop
        self._monitor = monitor
        self._turns: list[Turn] = []
        self._open: set[Act] = set()
        self._flying: dict[Act, int] = {}
        self._landed = asyncio.Event()
        self._landings = 0
        self._acts = 0

    def act(self, name: str) -> Act:
        self._acts += 1
        return Act(HERE.get(), name, self._acts)

    async def pause(self, act: Act, before: str) -> None:
        """Waits for the act's turn. Raises CancelledError in a process that has crashed."""
        if act.process.is_dead:
            raise asyncio.CancelledError
        turn = Turn(act, before, self._loop.create_future())
        self._turns.append(turn)
        try:
            await turn.go
        finally:
            if turn in self._turns:
                self._turns.remove(turn)

    @contextmanager
    def flight(self, act: Act) -> Iterator[None]:
        """While PostgreSQL is asked something."""
        self._flying[act] = self._flying.get(act, 0) + 1
        act.process.flights += 1
        try:
            yield
        finally:
            self._flying[act] -= 1
            if not self._flying[act]:
                del self._flying[act]
            act.process.flights -= 1
            self._landings += 1
            self._landed.set()

    def opened(self, act: Act) -> None:
        self._open.add(act)

    def closed(self, act: Act, *, committed: bool) -> None:
        self._open.discard(act)
        if committed:
            self.committed.append(act)

    def start(self, process: Process, coroutine: Coroutine[Any, Any, Any]) -> asyncio.Task[Any]:
        return process.context.run(self._loop.create_task, coroutine)

    def turns(self) -> list[Turn]:
        """Those that may be let on now, in an order that follows from the history."""
        now_s = self._loop.time()
        able = [turn for turn in self._turns if turn.act.process.frozen_until_s <= now_s]
        return sorted(able, key=lambda turn: turn.act.number)

    def let_on(self, turn: Turn) -> None:
        self._turns.remove(turn)
        turn.go.set_result(None)

    async def crash(self, process: Process) -> None:
        """As kill -9 does: its transactions are rolled back by PostgreSQL, and nothing of it runs any more."""
        process.is_dead = True
        for task in process.tasks:
            task.cancel()
        await self.settle()

    async def settle(self) -> None:
        """Until every task waits for its turn, for a lock or for time."""
        while True:
            await self._quiet()
            if not self._flying:
                return
            landings = self._landings
            if len(self._flying) == 1 and not self._open - self._flying.keys():
                self._landed.clear()
                await self._landed.wait()
                continue
            blocked = await self._monitor.fetchval(UNGRANTED)
            await self._quiet()
            if landings == self._landings and blocked >= len(self._flying):
                # Several may be freed by one commit: from then on each is let on statement by statement.
                for act in self._flying:
                    act.is_slow = act.stops_before_commit = True
                return

    async def _quiet(self) -> None:
        await asyncio.sleep(0)
        while not self._loop.is_quiet:  # noqa: ASYNC110 - there is no event for "nothing else is ready"
            await asyncio.sleep(0)


def remember_tasks(
    loop: asyncio.AbstractEventLoop, coroutine: Coroutine[Any, Any, Any], **options: Any
) -> asyncio.Task[Any]:
    """A task factory: each process knows its tasks, so that they can end with it."""
    task: asyncio.Task[Any] = asyncio.Task(coroutine, loop=loop, **options)
    context: Context | None = options.get("context")
    process = context.get(HERE) if context is not None else HERE.get(None)
    if process is not None:
        process.tasks = [other for other in process.tasks if not other.done()]
        process.tasks.append(task)
    return task
