"""Booking a courier for a charged shipment. Pure rules over a loaded order."""

from dataclasses import dataclass
from datetime import datetime

from oms.domain.fulfilment.rules import end_failed
from oms.domain.order.model import Order
from oms.domain.order.shipment import Shipment
from oms.domain.vocabulary.actor import Actor
from oms.domain.vocabulary.events import EventType as E


@dataclass(frozen=True, slots=True)
class Booking:
    """Who will carry the shipment, and the number it is followed by."""

    courier_code: str
    courier_name: str
    tracking_number: str


def booked(order: Order, shipment: Shipment, booking: Booking, *, by: Actor, at: datetime) -> None:
    """A courier has accepted to deliver it. Raises Refused(CONFLICT) where the shipment is no longer wanted."""
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
    """The courier service refused for good: the shipment fails, its charge is refunded."""
    end_failed(order, shipment, by=by, at=at, reason=reason)
    shipment.booking_open = False


def released(order: Order, shipment: Shipment, *, by: Actor, at: datetime) -> None:
    """The courier holds no booking for an ended shipment any more."""
    order.record_for(shipment, E.BookingReleased, by=by, at=at)
    shipment.booking_open = False
