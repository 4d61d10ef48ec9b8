"""How a concept declares the work that its subjects call for."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

from oms.domain.concept.standstill import Cause


class Step(StrEnum):
    """What is to be done next. Each kind of work declares its own as a subclass."""


@dataclass(frozen=True, slots=True)
class Due:
    """The step that is called for: at once, or not before an instant."""

    step: Step
    at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Gate:
    """A condition that may hold work for an unknown time. Held work is not retried; it is released when the gate opens.

    `is_open`: an SQL condition that names no row of work.
    """

    is_open: str
    cause: Cause


DueParts = Callable[[Any], Mapping[int, Due]]
"""From a subject, such as a loaded order: what is due for which of its parts; part 0 is the subject itself."""


@dataclass(frozen=True, slots=True)
class WorkKind:
    """One queue. It can run, and scale, as a process of its own.

    `phrases`: how people call each step. `subject`: whose state calls for the work.
    `part`: what the part's number counts in the subject ("shipment"); None: the work concerns the subject itself.
    `waits_for_people`: while work is not due yet, this cause explains what it waits for.
    """

    queue: str
    steps: type[Step]
    due: DueParts
    phrases: Mapping[Step, str]
    subject: str = "order"
    part: str | None = None
    gate: Gate | None = None
    waits_for_people: Cause | None = None
