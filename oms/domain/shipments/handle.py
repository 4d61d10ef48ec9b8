"""What people do with shipments, each in the caller's transaction."""

from uuid import UUID

from oms.db import Tx
from oms.domain.access.model import Operation, Reach, Viewer, may_for, reach, require
from oms.domain.audit.handle import record_override
from oms.domain.audit.model import AuditAction
from oms.domain.events import EventType
from oms.domain.orders import store
from oms.domain.orders.model import Order
from oms.domain.orders.store import LockedOrders
from oms.domain.refusal import Code, refuse_all, refused
from oms.domain.shipments import decide
from oms.domain.shipments.model import COURIER_SEES, Shipment
from oms.domain.text import REASON_LENGTH, check_text

ShipmentKey = tuple[UUID, int]
"""A shipment's order and its number in it."""


async def dispatch(tx: Tx, viewer: Viewer, key: ShipmentKey) -> ShipmentKey:
    """Raises Refused: FORBIDDEN, NOT_FOUND, or CONFLICT unless it is BOOKED."""
    locked, order, shipment = await _visible(tx, viewer, key, Operation.DISPATCH)
    decide.dispatch(order, shipment, by=viewer.actor, at=locked.at)
    await locked.save()
    return key


async def deliver(tx: Tx, viewer: Viewer, key: ShipmentKey) -> ShipmentKey:
    """Raises Refused: FORBIDDEN, NOT_FOUND, or CONFLICT unless it is DISPATCHED."""
    locked, order, shipment = await _visible(tx, viewer, key, Operation.DELIVER)
    decide.deliver(order, shipment, by=viewer.actor, at=locked.at)
    await locked.save()
    return key


async def fail(tx: Tx, viewer: Viewer, key: ShipmentKey, reason: str) -> ShipmentKey:
    """Raises Refused: FORBIDDEN, INVALID, NOT_FOUND, or CONFLICT unless it is BOOKED or DISPATCHED."""
    refuse_all(check_text(reason, "reason", most=REASON_LENGTH))
    locked, order, shipment = await _visible(tx, viewer, key, Operation.FAIL_SHIPMENT)
    decide.fail(order, shipment, by=viewer.actor, at=locked.at, reason=reason)
    await record_override(tx, viewer, AuditAction.ShipmentFailed, order, EventType.ShipmentFailed)
    await locked.save()
    return key


async def _visible(
    tx: Tx, viewer: Viewer, key: ShipmentKey, operation: Operation
) -> tuple[LockedOrders, Order, Shipment]:
    """What does not exist and what the viewer's reach does not cover look the same."""
    require(viewer, operation)
    locked = await store.lock(tx, [key[0]])
    order = locked.get(key[0])
    shipment = order.shipment(key[1]) if order else None
    if order is None or shipment is None or not _reaches(viewer, operation, order, shipment):
        raise refused(Code.NOT_FOUND, "There is no such shipment.", "shipmentId")
    return locked, order, shipment


def _reaches(viewer: Viewer, operation: Operation, order: Order, shipment: Shipment) -> bool:
    """Couriers may learn what became of a shipment that was theirs to carry once, and nothing of others."""
    if reach(viewer, operation) == Reach.CARRIED:
        return shipment.status in COURIER_SEES or shipment.booked_at is not None
    return may_for(viewer, operation, order.customer_reference)
