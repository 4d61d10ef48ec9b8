"""What happened: the order's trail is made of these, and statuses are folded from them."""

from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any

from oms.domain.vocabulary.actor import Actor


class EventType(StrEnum):
    """Stable past-tense names. The transition tables say which status each of them moves."""

    OrderPlaced = "OrderPlaced"
    ItemsAllocated = "ItemsAllocated"
    ItemsUnavailable = "ItemsUnavailable"
    AmendmentAccepted = "AmendmentAccepted"
    OrderCancelled = "OrderCancelled"
    OrderTimedOut = "OrderTimedOut"
    OrderCompleted = "OrderCompleted"
    OrderFailed = "OrderFailed"

    ShipmentInvoiced = "ShipmentInvoiced"
    ChargeHeld = "ChargeHeld"
    ChargeStarted = "ChargeStarted"
    ShipmentCharged = "ShipmentCharged"
    ChargeDeclined = "ChargeDeclined"
    ShipmentRefunded = "ShipmentRefunded"
    ShipmentBooked = "ShipmentBooked"
    BookingReleased = "BookingReleased"
    ShipmentDispatched = "ShipmentDispatched"
    ShipmentDelivered = "ShipmentDelivered"
    ShipmentFailed = "ShipmentFailed"
    ShipmentCancelled = "ShipmentCancelled"

    WorkParked = "WorkParked"
    WorkRetried = "WorkRetried"


class SettingsEventType(StrEnum):
    """The same for the fraud settings, which have a trail of their own."""

    SpendingLimitSet = "SpendingLimitSet"
    MaintenanceSwitched = "MaintenanceSwitched"
    SpendingCleared = "SpendingCleared"


@dataclass(frozen=True, slots=True)
class Event:
    """One entry of an order's trail: `seq` counts from 1 without gaps; `data` holds JSON values only.

    Where a status changed, data has it as {"from": …, "to": …}.
    """

    seq: int
    type: EventType
    at: datetime
    by: Actor
    reason: str | None = None
    shipment: int | None = None
    data: dict[str, Any] = field(default_factory=dict)
