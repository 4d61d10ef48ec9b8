"""Batching commands that arrive at the same time into one transaction (group commit).

A single command costs a dozen statements and a flush of the log, most of which cost as much for a hundred commands.
While a transaction runs, arriving commands queue up and form the next batch; a command on an idle system runs at once.
Each command has its own result: a refusal concerns no other command, and if a batch fails as a whole, each of its
commands is tried alone.
"""

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable, Hashable, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any, Final, Generic, TypeVar

from oms.domain.access.permissions import Viewer
from oms.domain.idempotency.keys import Earlier, IdempotencyKey, KeyedCommand, completed_before, remember
from oms.domain.vocabulary.errors import Refused
from oms.platform.db import Database, Tx
from oms.platform.faults.outages import is_lock_timeout, is_outage
from oms.platform.tasks import detached

C = TypeVar("C")
R = TypeVar("R")

MAX_BATCH: Final = 100

SLOW_S: Final = 0.25
"""A batch that takes longer, waiting for somebody else's lock, no longer delays the next batch."""

MAX_SLOW: Final = 4
"""Batches of one kind in progress; each has a connection."""


@dataclass(frozen=True, slots=True)
class Command(Generic[C]):
    """A command and its viewer; with `key` it takes effect once, however often it is sent."""

    viewer: Viewer
    command: C
    key: IdempotencyKey | None = None


@dataclass(frozen=True, slots=True)
class Done(Generic[R]):
    """What was affected, as the JSON value kept for repeats; `result` is None if it took effect earlier."""

    subject: Any
    result: R | None


Handle = Callable[[Tx, Sequence[tuple[Viewer, C]]], Awaitable[Sequence[R | Refused]]]
"""Handles or refuses each command, and writes nothing for those that it refuses; results in their order."""


@dataclass(frozen=True, slots=True)
class _Waiting(Generic[C, R]):
    """A command, and where its caller waits."""

    command: Command[C]
    result: "asyncio.Future[Done[R]]"
    give_up_at_s: float

    def settle(self, outcome: Done[R] | Exception) -> None:
        if self.result.done():
            return  # the caller has gone
        if isinstance(outcome, Exception):
            self.result.set_exception(outcome)
        else:
            self.result.set_result(outcome)


@dataclass(slots=True)
class Batcher(Generic[C, R]):
    """Commands of one kind in one process. `subject` names what was affected as a JSON value.

    `target`: what a command locks, an order for instance. While somebody else holds the lock, the commands of that
    target wait by themselves, so that they take up neither batches nor connections of others.
    """

    db: Database
    handle: Handle[C, R]
    subject: Callable[[R], Any]
    target: Callable[[C], Hashable]
    _waiting: deque[_Waiting[C, R]] = field(default_factory=deque)
    _alone: dict[Hashable, deque[_Waiting[C, R]]] = field(default_factory=dict)
    _in_progress: set["asyncio.Task[None]"] = field(default_factory=set)
    _running: "asyncio.Task[None] | None" = None

    async def run(self, command: Command[C]) -> Done[R]:
        """Raises Refused, KeyInUse, KeyReused, or what ended the transaction."""
        waiting: _Waiting[C, R] = _Waiting(
            command, asyncio.get_running_loop().create_future(), self.db.lock_waits.give_up_at_s()
        )
        if self._alone and (others := self._alone.get(self.target(command.command))):
            others.append(waiting)
            return await waiting.result
        self._waiting.append(waiting)
        if self._running is None or self._running.done():
            self._running = detached("batches", self._run_batches())
        return await waiting.result

    async def _run_batches(self) -> None:
        """Batch after batch, until no command waits."""
        while self._waiting:
            batch = [self._waiting.popleft() for _ in range(min(MAX_BATCH, len(self._waiting)))]
            task = detached("batch", self._run_batch(batch))
            self._in_progress.add(task)
            task.add_done_callback(self._in_progress.discard)
            await asyncio.wait({task}, timeout=SLOW_S)
            while len(self._in_progress) >= MAX_SLOW:
                await asyncio.wait(self._in_progress, return_when=asyncio.FIRST_COMPLETED)

    async def _run_batch(self, batch: Sequence[_Waiting[C, R]]) -> None:
        """Runs the commands together, or if that fails by themselves, and sets their results."""
        try:
            outcomes = await self._transact(batch)
        except Exception as error:  # noqa: BLE001 - whatever it is, it is the result
            if is_lock_timeout(error) or (len(batch) > 1 and not is_outage(error)):
                # One could not be written or waited too long for a lock; the others may succeed.
                self._separate(batch)
                return
            outcomes = [error] * len(batch)
        for waiting, outcome in zip(batch, outcomes, strict=True):
            waiting.settle(outcome)

    def _separate(self, batch: Sequence[_Waiting[C, R]]) -> None:
        """From now on the commands of each target run one by one, apart from all others, until none of them is left."""
        for waiting in batch:
            target = self.target(waiting.command.command)
            if others := self._alone.get(target):
                others.append(waiting)
            else:
                self._alone[target] = deque([waiting])
                detached("commands alone", self._run_alone(target))

    async def _run_alone(self, target: Hashable) -> None:
        waiting = self._alone[target]
        while waiting:
            one = waiting[0]
            outcome: Done[R] | Exception
            try:
                [outcome] = await self.db.lock_waits.again(partial(self._transact, [one]), one.give_up_at_s)
            except Exception as error:  # noqa: BLE001 - whatever it is, it is the result
                outcome = error
            one.settle(outcome)
            waiting.popleft()
        del self._alone[target]

    async def _transact(self, batch: Sequence[_Waiting[C, R]]) -> Sequence[Done[R] | Exception]:
        async with self.db.transaction() as tx:
            return await self._handle(tx, [waiting.command for waiting in batch])

    async def _handle(self, tx: Tx, commands: Sequence[Command[C]]) -> Sequence[Done[R] | Exception]:
        outcomes: dict[int, Done[R] | Exception] = {}
        keyed = {
            place: KeyedCommand(each.viewer.principal, each.key) for place, each in enumerate(commands) if each.key
        }
        for place, earlier in (await completed_before(tx, keyed)).items():
            outcomes[place] = Done(earlier.subject, None) if isinstance(earlier, Earlier) else earlier
        new = [place for place in range(len(commands)) if place not in outcomes]
        results = await self.handle(tx, [(commands[i].viewer, commands[i].command) for i in new]) if new else ()
        subjects: dict[KeyedCommand, Any] = {}
        for place, result in zip(new, results, strict=True):
            if isinstance(result, Refused):
                outcomes[place] = result
                continue
            outcomes[place] = done = Done(self.subject(result), result)
            if place in keyed:
                subjects[keyed[place]] = done.subject
        await remember(tx, subjects)
        return [outcomes[place] for place in range(len(commands))]
