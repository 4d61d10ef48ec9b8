"""Booking a courier for a charged shipment. Pure rules over a loaded order."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from oms.domain.concept.work import Due, Step
from oms.domain.order.closing import end_failed
from oms.domain.order.events import OrderEvent as E
from oms.domain.order.model import Order
from oms.domain.order.shipment import ENDED, Shipment, ShipmentStatus
from oms.domain.vocabulary.actor import Actor


class BookingStep(Step):
    """The steps of the queue."""

    BOOK = "BOOK"
    RELEASE = "RELEASE"


def due(order: Order) -> Mapping[int, Due]:
    """By shipment."""
    return {s.number: Due(step) for s in order.shipments if (step := step_of(s))}


def step_of(shipment: Shipment) -> BookingStep | None:
    """A charged shipment is booked; a shipment that ended must not keep a booking."""
    if not shipment.booking_open:
        return None
    if shipment.status == ShipmentStatus.PENDING:
        return BookingStep.BOOK
    return BookingStep.RELEASE if shipment.status in ENDED else None


@dataclass(frozen=True, slots=True)
class Booking:
    """Who carries the shipment, and its tracking number."""

    courier_code: str
    courier_name: str
    tracking_number: str


def booked(order: Order, shipment: Shipment, booking: Booking, *, by: Actor, at: datetime) -> None:
    """A courier accepted it. Raises Refused(CONFLICT) if the shipment has ended."""
    order.record_for(
        shipment,
        E.ShipmentBooked,
        by=by,
        at=at,
        courier=booking.courier_code,
        tracking=booking.tracking_number,
    )
    shipment.courier_code, shipment.courier_name = booking.courier_code, booking.courier_name
    shipment.tracking_number = booking.tracking_number
    shipment.booked_at = at


def no_courier(order: Order, shipment: Shipment, *, by: Actor, at: datetime, reason: str) -> None:
    """The courier service refused for good: the shipment fails and its charge is refunded."""
    end_failed(order, shipment, by=by, at=at, reason=reason)
    shipment.booking_open = False


def released(order: Order, shipment: Shipment, *, by: Actor, at: datetime) -> None:
    """The courier holds no booking for an ended shipment any more."""
    order.record_for(shipment, E.BookingReleased, by=by, at=at)
    shipment.booking_open = False
