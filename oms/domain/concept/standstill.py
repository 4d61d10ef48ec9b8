"""How a concept declares why something of it may stand still, and who can move it."""

from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum

from oms.domain.vocabulary.wording import Wording


@dataclass(frozen=True, slots=True)
class Cause:
    """`name` is stable and labels metrics; `phrase` explains it; `remedy` says who has to do what.

    `after`: how long something may wait for this cause before it is reported; None: as long as due work may wait.
    """

    name: str
    phrase: Wording
    remedy: Wording
    after: timedelta | None = None

    def __str__(self) -> str:
        return self.phrase


@dataclass(frozen=True, slots=True)
class Waiting:
    """A status of a part (such as "shipment") in which no work is due and people have to act."""

    part: str
    status: StrEnum
    cause: Cause
