"""Batching commands that arrive at the same time into one transaction (group commit).

A single command costs a dozen statements and a flush of the log, most of which cost as much for a hundred commands.
While a transaction runs, arriving commands queue up and form the next batch; a command on an idle system runs at once.
Each command has its own result: a refusal concerns no other command, and if a batch fails as a whole, each of its
commands is tried alone.
"""

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, Generic, TypeVar

from oms.domain.access.permissions import Viewer
from oms.domain.idempotency.keys import Earlier, IdempotencyKey, KeyedCommand, completed_before, remember
from oms.domain.vocabulary.errors import Refused
from oms.platform.db import Database, Statement, Tx, is_outage

C = TypeVar("C")
R = TypeVar("R")

MAX_BATCH: Final = 100

SLOW_S: Final = 0.25
"""A batch that takes longer, waiting for somebody else's lock, no longer delays the next batch."""

MAX_SLOW: Final = 4
"""Batches of one kind in progress; each has a connection."""

_LOCK_TIMEOUT: Final = Statement("SELECT set_config('lock_timeout', '1s', true)")
"""How long a batch of several waits for a lock; then each command is tried alone and delays only its own caller."""


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


@dataclass(slots=True)
class Batcher(Generic[C, R]):
    """Commands of one kind in one process. `subject` names what was affected as a JSON value."""

    db: Database
    handle: Handle[C, R]
    subject: Callable[[R], Any]
    _waiting: "deque[tuple[Command[C], asyncio.Future[Done[R]]]]" = field(default_factory=deque)
    _in_progress: set["asyncio.Task[None]"] = field(default_factory=set)
    _running: "asyncio.Task[None] | None" = None

    async def run(self, command: Command[C]) -> Done[R]:
        """Raises Refused, KeyInUse, KeyReused, or what ended the transaction."""
        result: asyncio.Future[Done[R]] = asyncio.get_running_loop().create_future()
        self._waiting.append((command, result))
        if self._running is None or self._running.done():
            self._running = asyncio.create_task(self._run_batches())
        return await result

    async def _run_batches(self) -> None:
        """Batch after batch, until no command waits."""
        while self._waiting:
            batch = [self._waiting.popleft() for _ in range(min(MAX_BATCH, len(self._waiting)))]
            task = asyncio.create_task(self._run_batch(batch))
            self._in_progress.add(task)
            task.add_done_callback(self._in_progress.discard)
            await asyncio.wait({task}, timeout=SLOW_S)
            while len(self._in_progress) >= MAX_SLOW:
                await asyncio.wait(self._in_progress, return_when=asyncio.FIRST_COMPLETED)

    async def _run_batch(self, batch: "Sequence[tuple[Command[C], asyncio.Future[Done[R]]]]") -> None:
        """Runs the commands together, or if that fails one by one, and sets their results."""
        outcomes: Sequence[Done[R] | Exception]
        try:
            async with self.db.transaction() as tx:
                if len(batch) > 1:
                    await tx.rows(_LOCK_TIMEOUT)
                outcomes = await self._handle(tx, [command for command, _ in batch])
        except Exception as error:  # noqa: BLE001 - whatever it is, it is the result
            if len(batch) > 1 and not is_outage(error):
                # One could not be written or waited too long for a lock; the others may succeed.
                await asyncio.gather(*(self._run_batch([one]) for one in batch))
                return
            outcomes = [error] * len(batch)
        for (_, result), outcome in zip(batch, outcomes, strict=True):
            if result.done():
                continue  # the caller has gone
            if isinstance(outcome, Exception):
                result.set_exception(outcome)
            else:
                result.set_result(outcome)

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
