"""A shipment: the items of one order that leave one warehouse together."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Final
from uuid import UUID

from oms.domain.order.payment import Payment
from oms.domain.vocabulary.events import EventType as E
from oms.domain.vocabulary.machine import Machine


class ShipmentStatus(StrEnum):
    """The contract's; what each means stands there."""

    PENDING = "PENDING"
    BOOKED = "BOOKED"
    DISPATCHED = "DISPATCHED"
    DELIVERED = "DELIVERED"
    FAILED = "FAILED"
    CANCELLED = "CANCELLED"


S = ShipmentStatus

SHIPMENT: Final = Machine[ShipmentStatus](
    "shipment",
    {
        (None, E.ItemsAllocated): S.PENDING,
        (None, E.ItemsUnavailable): S.PENDING,
        (S.PENDING, E.ShipmentBooked): S.BOOKED,
        (S.BOOKED, E.ShipmentDispatched): S.DISPATCHED,
        (S.DISPATCHED, E.ShipmentDelivered): S.DELIVERED,
        (S.PENDING, E.ShipmentCancelled): S.CANCELLED,
        (S.BOOKED, E.ShipmentCancelled): S.CANCELLED,
        (S.PENDING, E.ChargeDeclined): S.FAILED,
        (S.PENDING, E.ShipmentFailed): S.FAILED,
        (S.BOOKED, E.ShipmentFailed): S.FAILED,
        (S.DISPATCHED, E.ShipmentFailed): S.FAILED,
        # A charge in flight when the shipment ended may still be declined: nothing more to end.
        (S.CANCELLED, E.ChargeDeclined): S.CANCELLED,
        (S.FAILED, E.ChargeDeclined): S.FAILED,
    },
)

OPEN: Final = frozenset({S.PENDING, S.BOOKED})
"""Not yet picked up: its units count as allocated."""

COURIER_SEES: Final = frozenset({S.BOOKED, S.DISPATCHED, S.DELIVERED})
"""What couriers list and open (domain.md, "Who uses it")."""


@dataclass(frozen=True, slots=True)
class Item:
    """An allocation: `quantity` units of an order line that stand in the shipment's warehouse for it."""

    line: int
    sku: str
    quantity: int
    unit_price_minor: int


@dataclass(slots=True)
class Shipment:
    """`number` counts from 1 within its order. `items` is empty where the loader was not asked for them.

    `booking_open`: the courier may hold a booking, or may yet come to hold one.
    """

    order_id: UUID
    number: int
    warehouse_code: str
    status: ShipmentStatus
    payment: Payment
    items: tuple[Item, ...]
    updated_at: datetime
    booking_open: bool = False
    courier_code: str | None = None
    courier_name: str | None = None
    tracking_number: str | None = None
    booked_at: datetime | None = None
    dispatched_at: datetime | None = None
    delivered_at: datetime | None = None

    @property
    def is_final(self) -> bool:
        return self.status in SHIPMENT.final
