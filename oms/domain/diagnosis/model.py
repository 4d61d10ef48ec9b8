"""Why an order stands still and who can move it: a function of what is known about it."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final, Self
from uuid import UUID

from oms.domain.order.shipment import ShipmentStatus
from oms.domain.work.model import Queue, Step


class Cause(StrEnum):
    """Why something stands still; the value is how it is told."""

    PARKED = "its work kept failing and is parked"
    MAINTENANCE = "charges wait for the end of maintenance"
    FAILING = "each attempt failed so far"
    NO_WORKER = "no worker serves its queue"
    IN_HAND = "a worker has had it in hand for long"
    BACKLOG = "workers are behind"
    NO_ANSWER = "its customer has not answered"
    NOT_PICKED_UP = "no courier has picked it up"
    NOT_DELIVERED = "it is on its way for long"
    WORK_MISSING = "nothing is under way that could move it"


@dataclass(frozen=True, slots=True)
class Patience:
    """How long something may stand before it is told: `work` by the system, the others by people."""

    work: timedelta = timedelta(seconds=60)
    answer: timedelta = timedelta(days=3)
    pickup: timedelta = timedelta(days=2)
    delivery: timedelta = timedelta(days=14)

    @classmethod
    def none(cls) -> Self:
        """Tells of everything that waits at all."""
        return cls(*[timedelta()] * 4)


@dataclass(frozen=True, slots=True)
class OpenWork:
    """What is to be done next, and what became of it so far. `due_at`: not before then."""

    queue: Queue
    step: Step
    attempts: int
    due_at: datetime
    leased_until: datetime | None
    held: bool
    parked_at: datetime | None
    last_error: str | None


@dataclass(frozen=True, slots=True)
class Subject:
    """A shipment, or with number 0 the order itself; `status` is its own, `moved_at` when it last changed.

    `work` is None where nothing is to be done by the system.
    """

    order_id: UUID
    reference: str
    shipment: int
    status: str
    moved_at: datetime
    work: OpenWork | None


@dataclass(frozen=True, slots=True)
class Standstill:
    """A subject that stands still since `since`. `remedy` says who has to do what; `next_at` when it is tried again."""

    subject: Subject
    cause: Cause
    since: datetime
    remedy: str
    next_at: datetime | None = None


def diagnose(subject: Subject, at: datetime, patience: Patience, served: Collection[Queue]) -> Standstill | None:
    """None where it moves, or has not stood for long enough. `served`: queues that living workers serve."""
    if subject.work is not None:
        return _of_work(subject, subject.work, at, patience, served)
    waits = _WAITS_FOR_COURIER.get(subject.status)
    if waits is None:
        missing = Standstill(subject, Cause.WORK_MISSING, subject.moved_at, _REPORT)
        return _if_long(missing, at, patience.work)
    cause, remedy = waits
    longest = patience.pickup if cause == Cause.NOT_PICKED_UP else patience.delivery
    return _if_long(Standstill(subject, cause, subject.moved_at, remedy), at, longest)


def _of_work(
    subject: Subject, work: OpenWork, at: datetime, patience: Patience, served: Collection[Queue]
) -> Standstill | None:
    if work.parked_at is not None:
        return Standstill(subject, Cause.PARKED, work.parked_at, _MEND.format(work.last_error or "no error was kept"))
    if work.held:
        return _if_long(Standstill(subject, Cause.MAINTENANCE, subject.moved_at, _END_MAINTENANCE), at, patience.work)
    if work.due_at > at:
        return _not_yet_due(subject, work, at, patience)
    return _if_long(_overdue(subject, work, at, served), at, patience.work)


def _not_yet_due(subject: Subject, work: OpenWork, at: datetime, patience: Patience) -> Standstill | None:
    if work.last_error is not None:
        failing = Standstill(
            subject, Cause.FAILING, subject.moved_at, _FAILING.format(work.attempts, work.last_error), work.due_at
        )
        return _if_long(failing, at, patience.work)
    if work.step == Step.EXPIRE:
        waiting = Standstill(subject, Cause.NO_ANSWER, subject.moved_at, _ANSWER, work.due_at)
        return _if_long(waiting, at, patience.answer)
    return None


def _overdue(subject: Subject, work: OpenWork, at: datetime, served: Collection[Queue]) -> Standstill:
    if work.queue not in served:
        return Standstill(subject, Cause.NO_WORKER, work.due_at, _START_WORKER.format(work.queue))
    if work.leased_until is not None and work.leased_until > at:
        return Standstill(subject, Cause.IN_HAND, work.due_at, _TAKEN_OVER, work.leased_until)
    if work.last_error is not None:
        return Standstill(subject, Cause.FAILING, work.due_at, _FAILING.format(work.attempts, work.last_error), at)
    return Standstill(subject, Cause.BACKLOG, work.due_at, _MORE_WORKERS.format(work.queue))


def _if_long(standstill: Standstill, at: datetime, patience: timedelta) -> Standstill | None:
    return standstill if at - standstill.since >= patience else None


_MEND: Final = "Support retries it or gives it up (Parked work), once the cause is mended. Last error: {}"
_END_MAINTENANCE: Final = "A manager ends the maintenance of fraud control; held charges then go on by themselves."
_FAILING: Final = "It is tried again by itself; look at the system it calls. Failed attempts: {}. Last error: {}"
_ANSWER: Final = "Its customer accepts or cancels; at the deadline it times out by itself."
_START_WORKER: Final = "Start a worker that serves `{}` (python -m oms worker, OMS_QUEUES)."
_TAKEN_OVER: Final = "Its lease ends by itself, then another worker takes over; a slow provider shows as this."
_MORE_WORKERS: Final = "Start more workers for `{}`, or find what slows the present ones down."
_REPORT: Final = "Run python -m oms check: an open order without work or a courier's shipment breaks a rule."

_WAITS_FOR_COURIER: Final[Mapping[str, tuple[Cause, str]]] = {
    ShipmentStatus.BOOKED: (
        Cause.NOT_PICKED_UP,
        "Ask the courier to pick it up, or fail the shipment: it is refunded.",
    ),
    ShipmentStatus.DISPATCHED: (
        Cause.NOT_DELIVERED,
        "Ask the courier where it is; what was lost is failed and refunded.",
    ),
}
