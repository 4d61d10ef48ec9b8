"""Bugs planted on purpose: each takes out one safeguard of the product that only a crash puts to the test."""

import asyncio
from collections.abc import Awaitable, Callable, Coroutine, Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Final
from unittest import mock
from uuid import uuid4

from oms.domain.idempotency import store as repeat_store
from oms.domain.idempotency.keys import once
from oms.domain.work import store as work_store
from oms.jobs import billing as billing_job
from oms.jobs import booking as booking_job
from oms.jobs.worker import WorkerProcess
from oms.platform.db import Database, Statement, Tx
from oms.providers.ports import BookingRequest
from oms.schema import placing
from oms.schema.runtime import commands

LATER_S: Final = 0.05

_LATER: Final[set[asyncio.Task[None]]] = set()


@dataclass(frozen=True, slots=True)
class Bug:
    """`way` and `at` say where a process is killed to find it: parts of the spot's name. `found_as`: what is seen.

    `adds_points`: the place is not there without the bug.
    """

    plant: Callable[[], None]
    way: str
    at: tuple[str, ...]
    found_as: str
    adds_points: bool = False

    @property
    def name(self) -> str:
        return self.plant.__name__


def _instead(target: Any, name: str, value: Any) -> None:
    """For the life of the process; the name must be there."""
    mock.patch.object(target, name, value).start()


def _later(act: Coroutine[Any, Any, None]) -> None:
    _LATER.add(asyncio.create_task(act))


def answer_before_the_commit() -> None:
    """A command is answered when it has been carried out, and committed a moment later."""
    carry_out = commands.carry_out

    async def hasty(info: Any, act: Callable[[Tx], Awaitable[Any]]) -> tuple[Any, list[Any]]:
        context = info.context
        if context.repeat is None:
            return await carry_out(info, act)
        transaction = context.db.transaction()
        tx = await transaction.__aenter__()
        subject = await once(tx, context.viewer, context.repeat, lambda: act(tx))

        async def commit() -> None:
            await asyncio.sleep(LATER_S)
            await transaction.__aexit__(None, None, None)

        _later(commit())
        return subject, []

    _instead(placing, "carry_out", hasty)


async def _apart(tx: Tx, write: Callable[[Tx], Awaitable[None]]) -> None:
    """Writes in a transaction of its own, after the caller's."""
    url = tx.conn.engine.url.render_as_string(hide_password=False)
    await asyncio.sleep(LATER_S)
    database = Database(url, pool_size=1, notify=lambda _: None)
    async with database.transaction() as another:
        await write(another)
    await database.close()


def note_the_work_after_the_commit() -> None:
    """An order is committed, and then the work that it calls for."""
    adjust = work_store.adjust

    async def later(tx: Tx, before: Iterable[Any], now: Iterable[Any]) -> None:
        was, wanted = list(before), list(now)
        if any(was):
            await adjust(tx, was, wanted)
        else:
            _later(_apart(tx, lambda another: adjust(another, was, wanted)))

    _instead(work_store, "adjust", later)


def remember_the_command_after_the_commit() -> None:
    """A command takes effect, and then its key is remembered."""
    add = repeat_store.add

    async def later(tx: Tx, *rest: Any) -> None:
        _later(_apart(tx, lambda another: add(another, *rest)))

    _instead(repeat_store, "add", later)


def trust_the_doorbell() -> None:
    """A worker looks when it is told to, and only then."""

    async def look(self: Any) -> None:
        async with self._db.transaction() as tx:
            await work_store.heartbeat(tx, self._name, self._consumer.queues)

    _instead(WorkerProcess, "_poll", look)


def never_take_over() -> None:
    """What a crashed worker held stays its own for ever."""
    whole, piece = work_store._CLAIM.text, "(leased_until IS NULL OR leased_until < statement_timestamp())"
    assert piece in whole
    _instead(work_store, "_CLAIM", Statement(whole.replace(piece, "leased_until IS NULL")))


def charge_under_a_new_key_each_time() -> None:
    key = billing_job._key

    def new_key(about: Any, purpose: str) -> str:
        return f"{key(about, purpose)}-{uuid4().hex}" if purpose == "charge" else key(about, purpose)

    _instead(billing_job, "_key", new_key)


def book_under_a_new_key_each_time() -> None:
    def request(key: str, warehouse_code: str, units: int, address: Any) -> BookingRequest:
        return BookingRequest(f"{key}-{uuid4().hex}", warehouse_code, units, address)

    _instead(booking_job, "BookingRequest", request)


BUGS: Final[Mapping[str, Bug]] = {
    bug.name: bug
    for bug in (
        Bug(
            answer_before_the_commit,
            "nothing_available",
            ("web: before", "bugs.commit", "COMMIT"),
            "NeverCame",
            adds_points=True,
        ),
        Bug(note_the_work_after_the_commit, "charge_declined", ("web: after", "batch.place", "COMMIT"), "NeverCame"),
        Bug(
            remember_the_command_after_the_commit,
            "nothing_available",
            ("web: after", "cancel_order", "COMMIT"),
            "Refusal: .*CONFLICT",
        ),
        Bug(trust_the_doorbell, "charge_declined", ("web: before", "ring the doorbell"), "NeverCame"),
        Bug(never_take_over, "charge_declined", ("worker: after", "_claim(allocation)"), "NeverCame"),
        Bug(
            charge_under_a_new_key_each_time,
            "amended_and_accepted",
            ("worker: after", "call charge"),
            "charged 2 times",
        ),
        Bug(book_under_a_new_key_each_time, "amended_and_accepted", ("worker: after", "call book"), "booked 2 times"),
    )
}


def plant(name: str) -> None:
    """In this process, for its whole life; the empty name plants none."""
    if name:
        BUGS[name].plant()
