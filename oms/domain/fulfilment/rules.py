"""What people do with a shipment: dispatch, deliver, report as failed. Pure rules; each may close its order."""

from datetime import UTC, datetime, timedelta, tzinfo

from oms.domain.access.permissions import Carries
from oms.domain.fulfilment.policy import FulfilmentReason
from oms.domain.order.closing import close_if_done, end_failed
from oms.domain.order.events import OrderEvent as E
from oms.domain.order.model import Order
from oms.domain.order.policy import OrderReason
from oms.domain.order.shipment import COURIER_SEES, SHIPMENT, WITH_COURIER, Shipment
from oms.domain.vocabulary.actor import Actor
from oms.domain.vocabulary.errors import refused
from oms.domain.vocabulary.wording import wording


def carries(whose: Carries, shipment: Shipment, *, at: datetime) -> bool:
    """Whether a courier reaches it. What was booked once they reach, so that a late command is refused with the reason.

    Ended ones they reach for some days.
    """
    if whose.warehouses is not None and shipment.warehouse_code not in whose.warehouses:
        return False
    if whose.ended_days and shipment.is_final and shipment.updated_at < at - timedelta(days=whose.ended_days):
        return False
    return shipment.status in COURIER_SEES or shipment.booked_at is not None


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


def can_try_again(shipment: Shipment, *, max_attempts: int) -> bool:
    """Whether an attempt in vain, which would be the next of `max_attempts`, may be followed by another one."""
    return SHIPMENT.allows(shipment.status, E.DeliveryAttempted) and shipment.attempts + 1 < max_attempts


def try_again(
    order: Order,
    shipment: Shipment,
    *,
    by: Actor,
    at: datetime,
    reason: str,
    max_attempts: int,
    zone: tzinfo = UTC,
) -> None:
    """Nobody could take it; it stays DISPATCHED, and the courier tries again the next day of the `zone`.

    Raises Refused(CONFLICT) unless it is DISPATCHED, or if this was the last of `max_attempts`.
    """
    if SHIPMENT.allows(shipment.status, E.DeliveryAttempted) and not can_try_again(shipment, max_attempts=max_attempts):
        message = wording(
            "This was attempt {attempt} of {max_attempts}: report the shipment as failed.",
            attempt=shipment.attempts + 1,
            max_attempts=max_attempts,
        )
        raise refused(FulfilmentReason.NO_ATTEMPT_LEFT, message)
    shipment.attempts += 1
    next_day = (at.astimezone(zone).date() + timedelta(days=1)).isoformat()
    data = {"attempt": shipment.attempts, "next": next_day}
    order.record_for(shipment, E.DeliveryAttempted, by=by, at=at, reason=reason, **data)
    shipment.attempted_at = at


def can_fail(shipment: Shipment) -> bool:
    """Whether a person may report it as failed: never collected, lost, refused or undeliverable."""
    return shipment.status in WITH_COURIER


def fail(order: Order, shipment: Shipment, *, by: Actor, at: datetime, reason: str) -> None:
    """Ends a shipment that a courier has; its charge is refunded. Raises Refused(CONFLICT) unless can_fail()."""
    if not can_fail(shipment):
        message = wording(
            "The shipment is {status}; only one that is BOOKED or DISPATCHED can be reported as failed.",
            status=shipment.status,
        )
        raise refused(OrderReason.NOT_WITH_COURIER, message)
    end_failed(order, shipment, by=by, at=at, reason=reason)
