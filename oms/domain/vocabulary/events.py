"""Events: what happened, in the past tense. Statuses are folded from them (see machine.py)."""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any, Final

from oms.domain.vocabulary.actor import Actor
from oms.domain.vocabulary.wording import Wording, wording


class EventType(StrEnum):
    """Stable past-tense names. Each concept declares its own as a subclass; registered names are unique."""


ITSELF: Final = ""
"""The subject of an event that concerns the aggregate itself rather than one of its parts."""


def part(kind: str, number: int) -> str:
    """The subject of an event that concerns a numbered part, such as `shipment/2`."""
    return f"{kind}/{number}"


@dataclass(frozen=True, slots=True)
class Event:
    """One entry of an event log: `seq` counts from 1 without gaps; `data` holds JSON values only.

    `subject` names the part that it concerns (`shipment/2`), or is ITSELF. Where a status changed, data has it as
    {"from": …, "to": …}.
    """

    seq: int
    type: EventType
    at: datetime
    by: Actor
    reason: str | None = None
    subject: str = ITSELF
    data: dict[str, Any] = field(default_factory=dict)

    def number_of(self, kind: str) -> int | None:
        """The number of the part that it concerns, if it concerns a part of that kind."""
        of, _, number = self.subject.partition("/")
        return int(number) if of == kind else None


def moved(before: StrEnum, after: StrEnum) -> dict[str, Any]:
    """How an event's data describe the change of a status; empty if there is none."""
    return {} if before == after else {"from": str(before), "to": str(after)}


Sentence = Callable[[Event, str], Wording]
"""What an event says to a person, in one sentence. The text is the currency of its amounts."""


def fixed(text: str) -> Sentence:
    """The same sentence for each event of a kind."""
    return lambda _event, _currency: wording(text)


@dataclass(frozen=True, slots=True)
class EventKind:
    """`names_no_amount`: also shown to viewers who may not see money, such as couriers."""

    sentence: Sentence
    names_no_amount: bool = False
