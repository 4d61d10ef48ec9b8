"""Rounds: commands that come at the same time are carried out together, in one transaction.

By itself a command costs a dozen statements and a flush of the log, and most of that costs as much for a hundred of
them as for one. So while a transaction runs, what comes gathers and makes the next round; nobody waits for company, and
alone on an idle system a command is carried out at once. Each has its own answer: a refusal concerns nobody else, and
where a round fails as a whole, each of it is tried by itself.
"""

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, Generic, Self, TypeVar

from oms.domain.access.permissions import Viewer
from oms.domain.fulfilment import commands as shipments
from oms.domain.fulfilment.commands import Carry
from oms.domain.idempotency.keys import Earlier, Keyed, RepeatKey, answered_before, remember
from oms.domain.order.shipment import Shipment
from oms.domain.placing import commands as orders
from oms.domain.placing.commands import Placed
from oms.domain.placing.request import OrderRequest
from oms.domain.vocabulary.errors import Refused
from oms.platform.db import Database, Statement, Tx, is_outage

C = TypeVar("C")
R = TypeVar("R")

MOST: Final = 100
"""Commands of one round."""

SLOW_S: Final = 0.25
"""A round that takes longer, because somebody else holds what it needs, no longer keeps the next one waiting."""

MOST_SLOW: Final = 4
"""Rounds of one kind under way at the most; each has a connection."""

_LOCK_PATIENCE: Final = Statement("SELECT set_config('lock_timeout', '1s', true)")
"""So long a round of several waits for a lock. Then each is tried by itself, and waits with nobody."""


@dataclass(frozen=True, slots=True)
class Asked(Generic[C]):
    """A command and who gives it; with `repeat` it is carried out once, however often it is given."""

    viewer: Viewer
    command: C
    repeat: RepeatKey | None = None


@dataclass(frozen=True, slots=True)
class Done(Generic[R]):
    """What was affected, as the JSON value kept for repeats, and what was made of it; None where that was earlier."""

    subject: Any
    made: R | None


Act = Callable[[Tx, Sequence[tuple[Viewer, C]]], Awaitable[Sequence[R | Refused]]]
"""Carries out each or refuses it, and writes nothing for whom it refuses; answers in their order."""


@dataclass(slots=True)
class Round(Generic[C, R]):
    """Commands of one kind in one process. `subject` names what was affected as a JSON value."""

    db: Database
    act: Act[C, R]
    subject: Callable[[R], Any]
    _waiting: "deque[tuple[Asked[C], asyncio.Future[Done[R]]]]" = field(default_factory=deque)
    _slow: set["asyncio.Task[None]"] = field(default_factory=set)
    _running: "asyncio.Task[None] | None" = None

    async def do(self, asked: Asked[C]) -> Done[R]:
        """Raises Refused, KeyInUse, KeyReused, or what ended the transaction."""
        answer: asyncio.Future[Done[R]] = asyncio.get_running_loop().create_future()
        self._waiting.append((asked, answer))
        if self._running is None or self._running.done():
            self._running = asyncio.create_task(self._run())
        return await answer

    async def _run(self) -> None:
        """Round after round, until nobody waits."""
        while self._waiting:
            taken = [self._waiting.popleft() for _ in range(min(MOST, len(self._waiting)))]
            task = asyncio.create_task(self._answer(taken))
            self._slow.add(task)
            task.add_done_callback(self._slow.discard)
            await asyncio.wait({task}, timeout=SLOW_S)
            while len(self._slow) >= MOST_SLOW:
                await asyncio.wait(self._slow, return_when=asyncio.FIRST_COMPLETED)

    async def _answer(self, taken: "Sequence[tuple[Asked[C], asyncio.Future[Done[R]]]]") -> None:
        """Carries them out together and tells each how it ended; where that fails, each by itself."""
        outcomes: Sequence[Done[R] | Exception]
        try:
            async with self.db.transaction() as tx:
                if len(taken) > 1:
                    await tx.rows(_LOCK_PATIENCE)
                outcomes = await self._carry_out(tx, [asked for asked, _ in taken])
        except Exception as error:  # noqa: BLE001 - whatever it is, it is an answer
            if len(taken) > 1 and not is_outage(error):
                # One could not be written, or waited too long for somebody: that is not the others' fault.
                await asyncio.gather(*(self._answer([one]) for one in taken))
                return
            outcomes = [error] * len(taken)
        for (_, answer), outcome in zip(taken, outcomes, strict=True):
            if answer.done():
                continue  # who asked has gone
            if isinstance(outcome, Exception):
                answer.set_exception(outcome)
            else:
                answer.set_result(outcome)

    async def _carry_out(self, tx: Tx, asked: Sequence[Asked[C]]) -> Sequence[Done[R] | Exception]:
        outcomes: dict[int, Done[R] | Exception] = {}
        keyed = {place: Keyed(one.viewer.principal, one.repeat) for place, one in enumerate(asked) if one.repeat}
        for place, earlier in (await answered_before(tx, keyed)).items():
            outcomes[place] = Done(earlier.subject, None) if isinstance(earlier, Earlier) else earlier
        fresh = [place for place in range(len(asked)) if place not in outcomes]
        made = await self.act(tx, [(asked[place].viewer, asked[place].command) for place in fresh]) if fresh else ()
        subjects: dict[Keyed, Any] = {}
        for place, each in zip(fresh, made, strict=True):
            if isinstance(each, Refused):
                outcomes[place] = each
                continue
            outcomes[place] = done = Done(self.subject(each), each)
            if place in keyed:
                subjects[keyed[place]] = done.subject
        await remember(tx, subjects)
        return [outcomes[place] for place in range(len(asked))]


@dataclass(frozen=True, slots=True)
class Rounds:
    """The commands that come often, and so together; all others are carried out one by one."""

    place: Round[OrderRequest, Placed]
    carry: Round[Carry, Shipment]

    @classmethod
    def over(cls, db: Database) -> Self:
        return cls(
            Round(db, orders.place, lambda placed: placed.id.hex),
            Round(db, shipments.carry, lambda shipment: [shipment.order_id.hex, shipment.number]),
        )
