"""Why something of an order stands still and who can move it: a pure function of what is known about it."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

from oms.domain.concept.standstill import Cause
from oms.domain.concept.work import Step, WorkKind
from oms.domain.order.events import SHIPMENT_PART
from oms.domain.vocabulary.wording import Wording, wording

PARKED: Final = Cause(
    "PARKED",
    wording("its work kept failing and is parked"),
    wording("Support retries it or gives it up (Stuck jobs), once the cause is removed. Last error: {error}"),
    after=timedelta(0),
)
FAILING: Final = Cause(
    "FAILING",
    wording("each attempt failed so far"),
    wording(
        "It is retried automatically; check the system that it calls. Failed attempts: {attempts}. Last error: {error}"
    ),
)
NO_WORKER: Final = Cause(
    "NO_WORKER",
    wording("no worker serves its queue"),
    wording("Start a worker that serves `{queue}` (python -m oms worker, OMS_QUEUES)."),
)
IN_HAND: Final = Cause(
    "IN_HAND",
    wording("a worker has been processing it for a long time"),
    wording("When its lease ends, another worker takes over; a slow provider is a likely cause."),
)
BACKLOG: Final = Cause(
    "BACKLOG",
    wording("the workers are behind"),
    wording("Start more workers for `{queue}`, or find what slows the present ones down."),
)
WORK_MISSING: Final = Cause(
    "WORK_MISSING",
    wording("nothing is under way that could move it"),
    wording("Run python -m oms check: an open order without work and without a courier's shipment breaks a rule."),
)


@dataclass(frozen=True, slots=True)
class Thresholds:
    """How long something may stand still before it is reported: by the name of its cause, else as the cause declares.

    `work`: how long due work may wait. `everything`: report everything that waits at all.
    """

    work: timedelta = timedelta(seconds=60)
    by_cause: Mapping[str, timedelta] = field(default_factory=dict)
    everything: bool = False

    def of(self, cause: Cause) -> timedelta:
        if self.everything:
            return timedelta(0)
        declared = self.work if cause.after is None else cause.after
        return self.by_cause.get(cause.name, declared)


@dataclass(frozen=True, slots=True)
class OpenWork:
    """The next step, and the attempts at it so far."""

    kind: WorkKind
    step: Step
    attempts: int
    due_at: datetime
    leased_until: datetime | None
    held: bool
    parked_at: datetime | None
    last_error: str | None


@dataclass(frozen=True, slots=True)
class Subject:
    """A shipment, or with number 0 the order itself. `moved_at`: when `status` last changed.

    `work` is None if the system has nothing to do. Work of a concept other than orders has neither order nor status;
    its `reference` is the kind and id of its subject, such as `repair 0197…`.
    """

    order_id: UUID | None
    reference: str
    shipment: int
    status: str
    moved_at: datetime
    work: OpenWork | None


@dataclass(frozen=True, slots=True)
class Standstill:
    """A subject that stands still since `since`. `next_at`: when it is retried."""

    subject: Subject
    cause: Cause
    since: datetime
    next_at: datetime | None = None

    @property
    def remedy(self) -> Wording:
        """Who has to do what."""
        work = self.subject.work
        if work is None:
            return self.cause.remedy
        error = work.last_error or wording("no error was kept")
        return wording(self.cause.remedy, queue=work.kind.queue, attempts=work.attempts, error=error)


WaitingFor = Mapping[tuple[str, str], Cause]
"""By part ("shipment") and status, what people have to do."""


def diagnose(
    subject: Subject, at: datetime, thresholds: Thresholds, served: Collection[str], waiting_for: WaitingFor
) -> Standstill | None:
    """None if it moves, or has not stood still for long enough. `served`: queues that living workers serve."""
    if subject.work is not None:
        found = _of_work(subject, subject.work, at, served)
    else:
        part = SHIPMENT_PART if subject.shipment else ""
        cause = waiting_for.get((part, subject.status), WORK_MISSING)
        found = Standstill(subject, cause, subject.moved_at)
    if found is None or at - found.since < thresholds.of(found.cause):
        return None
    return found


def _of_work(subject: Subject, work: OpenWork, at: datetime, served: Collection[str]) -> Standstill | None:
    if work.parked_at is not None:
        return Standstill(subject, PARKED, work.parked_at)
    if work.held and work.kind.gate:
        return Standstill(subject, work.kind.gate.cause, subject.moved_at)
    if work.due_at > at:
        return _not_yet_due(subject, work)
    return _overdue(subject, work, at, served)


def _not_yet_due(subject: Subject, work: OpenWork) -> Standstill | None:
    if work.last_error is not None:
        return Standstill(subject, FAILING, subject.moved_at, work.due_at)
    if work.kind.waits_for_people is not None:
        return Standstill(subject, work.kind.waits_for_people, subject.moved_at, work.due_at)
    return None


def _overdue(subject: Subject, work: OpenWork, at: datetime, served: Collection[str]) -> Standstill:
    overdue = Standstill(subject, BACKLOG, work.due_at)
    if work.kind.queue not in served:
        return replace(overdue, cause=NO_WORKER)
    if work.leased_until is not None and work.leased_until > at:
        return replace(overdue, cause=IN_HAND, next_at=work.leased_until)
    if work.last_error is not None:
        return replace(overdue, cause=FAILING, next_at=at)
    return overdue
