"""State machines as tables: (status, event) → status. Nothing else in the system assigns a status."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from functools import cached_property
from typing import Final, Generic, TypeVar

from oms.domain.vocabulary.errors import Code, refused
from oms.domain.vocabulary.events import EventType

PEOPLE_DO: Final = {
    EventType.AmendmentAccepted: "accepted",
    EventType.OrderCancelled: "cancelled",
    EventType.ShipmentDispatched: "dispatched",
    EventType.ShipmentDelivered: "delivered",
    EventType.ShipmentFailed: "reported as failed",
}
"""The events that are somebody's command, and how to say that it is not possible now."""

S = TypeVar("S", bound=StrEnum)


@dataclass(frozen=True)
class Machine(Generic[S]):
    """One state machine. `None` stands for "not there yet" in its table."""

    noun: str
    table: Mapping[tuple[S | None, EventType], S]

    @cached_property
    def moved_by(self) -> frozenset[EventType]:
        """The events that this machine has a say in."""
        return frozenset(event for _, event in self.table)

    @cached_property
    def final(self) -> frozenset[S]:
        """The statuses that no event leads out of."""
        leaving = {status for (status, _), after in self.table.items() if status != after}
        return frozenset(self.table.values()) - leaving

    def allows(self, status: S, event: EventType) -> bool:
        return (status, event) in self.table

    def after(self, status: S | None, event: EventType) -> S:
        """The status that follows; an event this machine does not know leaves it as it is.

        Raises Refused(CONFLICT) for one that it knows, but not from this status.
        """
        if status is not None and event not in self.moved_by:
            return status
        if (status, event) not in self.table:
            possible = " or ".join(sorted(str(before) for before, known in self.table if known == event))
            what = f"it can be {PEOPLE_DO[event]}" if event in PEOPLE_DO else f"{event} can happen"
            raise refused(Code.CONFLICT, f"The {self.noun} is {status}; {what} only while it is {possible}.")
        return self.table[status, event]
