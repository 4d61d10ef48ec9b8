"""What waits for a second person."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from uuid import UUID

from oms.domain.access.permissions import Viewer
from oms.domain.vocabulary.paging import cursor_of


class Act(StrEnum):
    """What staff may have to request. Its subject is an order, a shipment, a stuck job or a customer, by its id."""

    CANCEL_ORDER = "CANCEL_ORDER"
    FAIL_SHIPMENT = "FAIL_SHIPMENT"
    GIVE_UP_WORK = "GIVE_UP_WORK"
    ERASE_CUSTOMER = "ERASE_CUSTOMER"


@dataclass(frozen=True, slots=True)
class Request:
    """An act that somebody wants to be done. `amount_minor` in `currency`: what would be refunded, if anything."""

    act: Act
    subject: str
    reason: str | None
    amount_minor: int | None = None
    currency: str | None = None


@dataclass(frozen=True, slots=True)
class Waiting:
    """A request that nobody has confirmed or rejected yet."""

    id: UUID
    request: Request
    by: Viewer
    at: datetime

    @property
    def cursor(self) -> str:
        return cursor_of(self.id.hex)
