"""Bugs planted on purpose: each takes out one safeguard of the product that only a crash puts to the test."""

import asyncio
from collections.abc import Awaitable, Callable, Coroutine, Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Final
from unittest import mock
from uuid import uuid4

from oms.domain.idempotency import store as idempotency_store
from oms.domain.idempotency.keys import once
from oms.domain.work import store as work_store
from oms.jobs import billing as billing_job
from oms.jobs import booking as booking_job
from oms.jobs.worker import WorkerProcess
from oms.platform.db import Database, Statement, Tx
from oms.providers.ports import BookingRequest
from oms.schema import amendments, cancellation, placing
from oms.schema.runtime import commands

DELAY_S: Final = 0.3
"""Long enough for the answer to be sent first, also on a busy machine."""

_DELAYED: Final[set[asyncio.Task[None]]] = set()


@dataclass(frozen=True, slots=True)
class Bug:
    """`scenario` and `at`, parts of the target's name, say where a kill reveals it. `symptom`: what is then found.

    `adds_points`: the point does not exist without the bug.
    """

    plant: Callable[[], None]
    scenario: str
    at: tuple[str, ...]
    symptom: str
    adds_points: bool = False

    @property
    def name(self) -> str:
        return self.plant.__name__


def _replace(target: Any, name: str, value: Any) -> None:
    """For the life of the process; the name must exist."""
    mock.patch.object(target, name, value).start()


def _delay(coroutine: Coroutine[Any, Any, None]) -> None:
    _DELAYED.add(asyncio.create_task(coroutine))


def answer_before_the_commit() -> None:
    """A command is answered before its commit."""
    run_command = commands.run_command

    async def without_waiting(info: Any, act: Callable[[Tx], Awaitable[Any]]) -> tuple[Any, list[Any]]:
        context = info.context
        if context.repeat is None:
            return await run_command(info, act)
        transaction = context.db.transaction()
        tx = await transaction.__aenter__()
        subject = await once(tx, context.viewer, context.repeat, lambda: act(tx))

        async def commit() -> None:
            await asyncio.sleep(DELAY_S)
            await transaction.__aexit__(None, None, None)

        _delay(commit())
        return subject, []

    for module in (amendments, cancellation, placing):
        _replace(module, "run_command", without_waiting)


async def _separately(tx: Tx, write: Callable[[Tx], Awaitable[None]]) -> None:
    """Writes in a transaction of its own, after the caller's."""
    url = tx.conn.engine.url.render_as_string(hide_password=False)
    await asyncio.sleep(DELAY_S)
    database = Database(url, pool_size=1, notify=lambda _: None)
    async with database.transaction() as another:
        await write(another)
    await database.close()


def add_work_after_the_commit() -> None:
    """An order is committed before the work that it calls for."""
    adjust = work_store.adjust

    async def later(tx: Tx, before: Iterable[Any], now: Iterable[Any]) -> None:
        was, due = list(before), list(now)
        if any(was):
            await adjust(tx, was, due)
        else:
            _delay(_separately(tx, lambda another: adjust(another, was, due)))

    _replace(work_store, "adjust", later)


def remember_the_key_after_the_commit() -> None:
    """A command takes effect before its key is remembered."""
    add = idempotency_store.add

    async def later(tx: Tx, *rest: Any) -> None:
        _delay(_separately(tx, lambda another: add(another, *rest)))

    _replace(idempotency_store, "add", later)


def trust_notifications() -> None:
    """A worker never polls for work."""

    async def do_nothing(_self: Any) -> None:
        pass

    _replace(WorkerProcess, "_poll", do_nothing)


def never_take_over() -> None:
    """What a crashed worker holds is never released."""
    whole, piece = work_store._CLAIM.text, "(leased_until IS NULL OR leased_until < statement_timestamp())"
    assert piece in whole
    _replace(work_store, "_CLAIM", Statement(whole.replace(piece, "leased_until IS NULL")))


def charge_under_a_new_key_each_time() -> None:
    key = billing_job._key

    def new_key(work: Any, purpose: str) -> str:
        return f"{key(work, purpose)}-{uuid4().hex}" if purpose == "charge" else key(work, purpose)

    _replace(billing_job, "_key", new_key)


def book_under_a_new_key_each_time() -> None:
    def request(key: str, warehouse_code: str, units: int, address: Any) -> BookingRequest:
        return BookingRequest(f"{key}-{uuid4().hex}", warehouse_code, units, address)

    _replace(booking_job, "BookingRequest", request)


BUGS: Final[Mapping[str, Bug]] = {
    bug.name: bug
    for bug in (
        Bug(
            answer_before_the_commit,
            "nothing_available",
            ("web: before", "bugs.commit", "COMMIT"),
            "NeverHappened",
            adds_points=True,
        ),
        Bug(add_work_after_the_commit, "charge_declined", ("web: after", "batch.place", "COMMIT"), "NeverHappened"),
        Bug(
            remember_the_key_after_the_commit,
            "nothing_available",
            ("web: after", "cancel_order", "COMMIT"),
            "Refusal: .*CONFLICT",
        ),
        Bug(trust_notifications, "charge_declined", ("web: before", "notify"), "NeverHappened"),
        Bug(never_take_over, "charge_declined", ("worker: after", "_claim(allocation)"), "NeverHappened"),
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
