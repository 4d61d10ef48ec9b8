"""A shipment: the items of one order that leave one warehouse together, the unit of billing and delivery."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Final
from uuid import UUID

from oms.domain.order.events import OrderEvent as E
from oms.domain.order.payment import Payment
from oms.domain.order.policy import OrderReason
from oms.domain.vocabulary.machine import Command, Machine, Shape, StatusText

ShipmentKey = tuple[UUID, int]
"""A shipment's order and its number in it."""


class ShipmentStatus(StrEnum):
    """The contract's; the machine's texts say what each means."""

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
        (S.DISPATCHED, E.DeliveryAttempted): S.DISPATCHED,
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
    commands={
        E.ShipmentDispatched: Command("dispatched", OrderReason.NOT_BOOKED),
        E.DeliveryAttempted: Command("attempted to be delivered", OrderReason.NOT_DISPATCHED),
        E.ShipmentDelivered: Command("delivered", OrderReason.NOT_DISPATCHED),
        E.ShipmentFailed: Command("reported as failed", OrderReason.NOT_WITH_COURIER),
    },
    texts={
        S.PENDING: StatusText(
            "Allocated in one warehouse; not yet paid and booked.",
            "Pending",
            Shape.WAIT,
            "We pack it as soon as it is paid.",
            "Being prepared",
        ),
        S.BOOKED: StatusText(
            "Charged, and a courier has accepted to deliver it.",
            "Booked",
            Shape.MOVE,
            "A courier fetches it soon and brings it to you.",
            "Packed",
        ),
        S.DISPATCHED: StatusText(
            "Picked up at the warehouse by the courier.",
            "Dispatched",
            Shape.MOVE,
            "The courier has it and brings it to you.",
            "On its way",
        ),
        S.DELIVERED: StatusText("Handed to the customer.", "Delivered", Shape.DONE),
        S.FAILED: StatusText(
            "Its charge was declined, no courier would take it, or it was reported lost or undeliverable;"
            " any charge is refunded, and its stock released unless it had left.",
            "Failed",
            Shape.FAIL,
            customer_label="Could not be delivered",
        ),
        S.CANCELLED: StatusText(
            "Cancelled before dispatch; its stock is released and any charge refunded.", "Cancelled", Shape.STOP
        ),
    },
)

OPEN: Final = frozenset({S.PENDING, S.BOOKED})
"""Not picked up yet: its units count as allocated."""

ENDED: Final = frozenset({S.CANCELLED, S.FAILED})
"""Will not be delivered: whatever was charged is refunded."""

WITH_COURIER: Final = frozenset({S.BOOKED, S.DISPATCHED})
"""A courier has accepted it and has not delivered it."""

ON_THE_WAY: Final = WITH_COURIER - {S.BOOKED}
"""Picked up and not yet delivered."""

COURIER_SEES: Final = WITH_COURIER | {S.DELIVERED}
"""What couriers may list and open."""


@dataclass(frozen=True, slots=True)
class Item:
    """An allocation: `quantity` units of an order line from the shipment's warehouse."""

    line: int
    sku: str
    quantity: int
    unit_price_minor: int


@dataclass(slots=True)
class Shipment:
    """`number` counts from 1 within its order. `items` is empty unless they were loaded.

    `booking_open`: the courier may hold a booking, or may yet come to hold one. `attempts`: in vain, and to be
    repeated; the last was at `attempted_at`.
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
    attempts: int = 0
    attempted_at: datetime | None = None

    @property
    def key(self) -> ShipmentKey:
        return self.order_id, self.number

    @property
    def is_final(self) -> bool:
        return self.status in SHIPMENT.final
