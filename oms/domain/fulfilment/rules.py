"""What people do with a shipment: dispatch, deliver, fail. Pure rules; each may close its order."""

from datetime import datetime

from oms.domain.order.decide import close_if_done
from oms.domain.order.model import Order
from oms.domain.order.shipment import SHIPMENT, Shipment, ShipmentStatus
from oms.domain.vocabulary.actor import Actor
from oms.domain.vocabulary.errors import Code, refused
from oms.domain.vocabulary.events import EventType as E


def can_dispatch(shipment: Shipment) -> bool:
    return SHIPMENT.allows(shipment.status, E.ShipmentDispatched)


def dispatch(order: Order, shipment: Shipment, *, by: Actor, at: datetime) -> None:
    """Picked up at the warehouse. Raises Refused(CONFLICT) unless it is BOOKED."""
    order.record_for(shipment, E.ShipmentDispatched, by=by, at=at)
    shipment.dispatched_at = at
    shipment.booking_open = False


def can_deliver(shipment: Shipment) -> bool:
    return SHIPMENT.allows(shipment.status, E.ShipmentDelivered)


def deliver(order: Order, shipment: Shipment, *, by: Actor, at: datetime) -> None:
    """Handed to the customer. Raises Refused(CONFLICT) unless it is DISPATCHED."""
    order.record_for(shipment, E.ShipmentDelivered, by=by, at=at)
    shipment.delivered_at = at
    close_if_done(order, by=by, at=at)


def can_fail(shipment: Shipment) -> bool:
    """What a person may report: never collected, lost, refused, undeliverable."""
    return shipment.status in (ShipmentStatus.BOOKED, ShipmentStatus.DISPATCHED)


def fail(order: Order, shipment: Shipment, *, by: Actor, at: datetime, reason: str) -> None:
    """Ends a booked or dispatched shipment; its charge is refunded. Raises Refused(CONFLICT) unless can_fail()."""
    if not can_fail(shipment):
        raise refused(
            Code.CONFLICT,
            f"The shipment is {shipment.status}; only one that is BOOKED or DISPATCHED can be reported as failed.",
        )
    end_failed(order, shipment, by=by, at=at, reason=reason)


def end_failed(order: Order, shipment: Shipment, *, by: Actor, at: datetime, reason: str) -> None:
    """The shipment can't be carried out, whoever found out. Raises Refused(CONFLICT) where it is final."""
    order.record_for(shipment, E.ShipmentFailed, by=by, at=at, reason=reason)
    close_if_done(order, by=by, at=at, reason=reason)
