"""Which work an order's state calls for. Work is derived from state, so that no state is without an exit."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from uuid import UUID

from oms.domain.order.model import Order, OrderStatus
from oms.domain.order.payment import PaymentStatus
from oms.domain.order.shipment import Shipment, ShipmentStatus


class Queue(StrEnum):
    """Each can run as its own process and scale alone."""

    ALLOCATION = "allocation"
    BILLING = "billing"
    BOOKING = "booking"
    DEADLINES = "deadlines"


class Step(StrEnum):
    """What is to be done next for a subject, and in which queue."""

    ALLOCATE = "ALLOCATE"
    EXPIRE = "EXPIRE"
    CHARGE = "CHARGE"
    SETTLE = "SETTLE"
    REFUND = "REFUND"
    BOOK = "BOOK"
    RELEASE = "RELEASE"


@dataclass(frozen=True, slots=True, order=True)
class WorkKey:
    """One item of work for each queue and subject: a shipment, or with number 0 the order itself."""

    order_id: UUID
    shipment: int
    queue: Queue


@dataclass(frozen=True, slots=True)
class Due:
    """The step that is wanted; at once, or not before an instant."""

    step: Step
    at: datetime | None = None


def wanted(order: Order) -> Mapping[WorkKey, Due]:
    """All work that the order's present state calls for."""
    work: dict[WorkKey, Due] = {}
    if order.status == OrderStatus.PENDING:
        work[WorkKey(order.id, 0, Queue.ALLOCATION)] = Due(Step.ALLOCATE)
    if order.status == OrderStatus.CUSTOMER_ACTION_REQUIRED:
        work[WorkKey(order.id, 0, Queue.DEADLINES)] = Due(Step.EXPIRE, order.action_deadline)
    for shipment in order.shipments:
        if step := billing_step(order, shipment):
            work[WorkKey(order.id, shipment.number, Queue.BILLING)] = Due(step)
        if step := booking_step(shipment):
            work[WorkKey(order.id, shipment.number, Queue.BOOKING)] = Due(step)
    return work


def billing_step(order: Order, shipment: Shipment) -> Step | None:
    """Nothing is charged before an amended order is accepted; a charge in flight is settled whatever happened since."""
    match shipment.payment.status:
        case PaymentStatus.PENDING if order.status == OrderStatus.PROCESSING:
            return Step.CHARGE
        case PaymentStatus.CHARGING:
            return Step.SETTLE
        case PaymentStatus.SUCCEEDED if shipment.status in (ShipmentStatus.CANCELLED, ShipmentStatus.FAILED):
            return Step.REFUND
        case _:
            return None


def is_settled(order: Order) -> bool:
    """Whether no charge is in flight and no refund due."""
    return not any(billing_step(order, shipment) in (Step.SETTLE, Step.REFUND) for shipment in order.shipments)


def booking_step(shipment: Shipment) -> Step | None:
    """Once charged it is booked; once ended, the courier must hold no booking for it."""
    if not shipment.booking_open:
        return None
    if shipment.status == ShipmentStatus.PENDING:
        return Step.BOOK
    return Step.RELEASE if shipment.status in (ShipmentStatus.CANCELLED, ShipmentStatus.FAILED) else None


def can_be_given_up(shipment: Shipment | None) -> bool:
    """Only for a pending shipment is there something to fail; the order's own work can but be retried."""
    return shipment is not None and shipment.status == ShipmentStatus.PENDING


LONGEST_BACKOFF_S = 300.0


def backoff_s(attempt: int) -> float:
    """Seconds to wait after the given failed attempt, counted from 1: doubling from half a second to five minutes."""
    return min(LONGEST_BACKOFF_S, 0.5 * 2.0 ** (attempt - 1))
