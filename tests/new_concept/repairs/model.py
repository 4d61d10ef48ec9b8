"""A repair: a root of its own with a state machine and work. Pure rules."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Final
from uuid import UUID

from oms.domain.concept.work import Due, Step
from oms.domain.vocabulary.events import EventKind, EventType, fixed
from oms.domain.vocabulary.machine import Machine, Shape, StatusText


class RepairEvent(EventType):
    """What happens to a repair."""

    RepairOpened = "RepairOpened"
    RepairFinished = "RepairFinished"


EVENTS: Final[Mapping[EventType, EventKind]] = {
    RepairEvent.RepairOpened: EventKind(fixed("The repair was opened.")),
    RepairEvent.RepairFinished: EventKind(fixed("The repair is finished.")),
}


class RepairStatus(StrEnum):
    """Until it is finished, work is due."""

    OPEN = "OPEN"
    FINISHED = "FINISHED"


REPAIR: Final = Machine[RepairStatus](
    "repair",
    {
        (None, RepairEvent.RepairOpened): RepairStatus.OPEN,
        (RepairStatus.OPEN, RepairEvent.RepairFinished): RepairStatus.FINISHED,
    },
    texts={
        RepairStatus.OPEN: StatusText("Accepted; the workshop has it.", "In the workshop", Shape.MOVE),
        RepairStatus.FINISHED: StatusText("Repaired.", "Repaired", Shape.DONE),
    },
)


class RepairStep(Step):
    """The steps of the queue."""

    FINISH = "FINISH"


@dataclass(slots=True)
class Repair:
    """`complaint` is in the customer's own words."""

    id: UUID
    customer_reference: str
    complaint: str | None
    status: RepairStatus

    def record(self, event: RepairEvent) -> None:
        """Raises Refused(CONFLICT) where the machine does not allow it."""
        self.status = REPAIR.after(self.status, event)


def due(repair: Repair) -> Mapping[int, Due]:
    return {0: Due(RepairStep.FINISH)} if repair.status == RepairStatus.OPEN else {}
