"""State machines as tables: (status, event) → status. Nothing else in the system assigns a status."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from functools import cached_property
from typing import Generic, NamedTuple, Self, TypeVar

from oms.domain.vocabulary.errors import Code, Reason, Refused, refused
from oms.domain.vocabulary.events import EventType
from oms.domain.vocabulary.wording import wording

S = TypeVar("S", bound=StrEnum)


class Shape(StrEnum):
    """What a status looks like: a silhouette (`s-…` in static/icons.svg) and a tone, the same in all machines."""

    NEW = "new", "wait"
    WAIT = "wait", "wait"
    MOVE = "move", "move"
    DONE = "done", "good"
    ASK = "ask", "warn"
    FAIL = "fail", "bad"
    STOP = "stop", "wait"
    BACK = "back", "wait"

    tone: str

    def __new__(cls, name: str, tone: str) -> Self:
        shape = str.__new__(cls, name)
        shape._value_ = name
        shape.tone = tone
        return shape


class StatusText(NamedTuple):
    """How people read a status.

    `meaning`: for the API's documentation. `label`: for staff. `next_step`: what the customer can expect now.
    `customer_label`: for customers, where it differs.
    """

    meaning: str
    label: str
    shape: Shape
    next_step: str = ""
    customer_label: str = ""

    @property
    def for_customer(self) -> str:
        return self.customer_label or self.label


class StatusReason(Reason):
    """Why an event that no person commands is refused."""

    STATUS_CHANGED = Code.CONFLICT, "The status changed before the system could record the event."


class Command(NamedTuple):
    """A person's command: its verb in a refusal ("it can be … only while"), and the refusal's reason."""

    verb: str
    reason: Reason


@dataclass(frozen=True)
class Machine(Generic[S]):
    """One state machine. `None` in its table stands for "does not exist yet".

    `commands`: the events that people cause. `texts`: of each status, unless no person sees any of them.
    """

    noun: str
    table: Mapping[tuple[S | None, EventType], S]
    commands: Mapping[EventType, Command] = field(default_factory=dict)
    texts: Mapping[S, StatusText] = field(default_factory=dict)

    def __post_init__(self) -> None:
        silent = self.statuses - self.texts.keys() if self.texts else ()
        if silent:
            raise TypeError(f"Add a StatusText of {', '.join(sorted(silent))} to the texts of machine {self.noun!r}.")

    @cached_property
    def events(self) -> frozenset[EventType]:
        """The events that this machine knows."""
        return frozenset(event for _, event in self.table)

    @cached_property
    def statuses(self) -> frozenset[S]:
        return frozenset(self.table.values())

    @cached_property
    def final(self) -> frozenset[S]:
        """The statuses that no event leads out of."""
        leaving = {status for (status, _), after in self.table.items() if status != after}
        return frozenset(self.table.values()) - leaving

    @cached_property
    def open(self) -> frozenset[S]:
        """The statuses that are not final."""
        return self.statuses - self.final

    def allows(self, status: S, event: EventType) -> bool:
        return (status, event) in self.table

    def after(self, status: S | None, event: EventType) -> S:
        """The next status; an event that the machine does not know leaves the status unchanged.

        Raises Refused(CONFLICT) for an event that it knows but does not allow in this status.
        """
        if status is not None and event not in self.events:
            return status
        if (status, event) not in self.table:
            possible = " or ".join(sorted(str(before) for before, known in self.table if known == event))
            raise self._not_allowed(event, noun=wording(self.noun), status=status, possible=possible)
        return self.table[status, event]

    def _not_allowed(self, event: EventType, **values: object) -> Refused:
        if command := self.commands.get(event):
            message = wording(
                "The {noun} is {status}; it can be {verb} only while it is {possible}.",
                verb=wording(command.verb),
                **values,
            )
            return refused(command.reason, message)
        message = wording(
            "The {noun} is {status}; {event} can happen only while it is {possible}.", event=event, **values
        )
        return refused(StatusReason.STATUS_CHANGED, message)


def sql_list(statuses: frozenset[S]) -> str:
    """Statuses as a list of SQL literals, for conditions such as `status IN (…)`."""
    return ", ".join(f"'{status}'" for status in sorted(statuses))
