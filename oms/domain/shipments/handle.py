"""What people do with shipments, each in the caller's transaction."""

from collections.abc import Sequence
from datetime import datetime
from typing import Protocol
from uuid import UUID

from oms.db import Tx
from oms.domain.access.model import Operation, Reach, Viewer, may_for, reach, require
from oms.domain.actor import Actor
from oms.domain.audit.handle import record_override
from oms.domain.audit.model import AuditAction
from oms.domain.events import EventType
from oms.domain.orders import store
from oms.domain.orders.model import Order
from oms.domain.orders.store import LockedOrders
from oms.domain.refusal import Code, Refused, refuse_all, refused
from oms.domain.shipments import decide
from oms.domain.shipments.model import COURIER_SEES, Shipment
from oms.domain.text import REASON_LENGTH, check_text

ShipmentKey = tuple[UUID, int]
"""A shipment's order and its number in it."""


Ask = tuple[Viewer, ShipmentKey]


async def dispatch(tx: Tx, asked: Sequence[Ask]) -> list[Shipment | Refused]:
    """Each as it is afterwards, or refused: FORBIDDEN, NOT_FOUND, or CONFLICT unless it was BOOKED."""
    return await _each(tx, asked, Operation.DISPATCH, decide.dispatch)


async def deliver(tx: Tx, asked: Sequence[Ask]) -> list[Shipment | Refused]:
    """Each as it is afterwards, or refused: FORBIDDEN, NOT_FOUND, or CONFLICT unless it was DISPATCHED."""
    return await _each(tx, asked, Operation.DELIVER, decide.deliver)


class Decide(Protocol):
    """A rule that changes the order and its shipment as a whole, or raises Refused and changes nothing."""

    def __call__(self, order: Order, shipment: Shipment, *, by: Actor, at: datetime) -> None: ...


async def _each(tx: Tx, asked: Sequence[Ask], operation: Operation, rule: Decide) -> list[Shipment | Refused]:
    """One after the other over orders that are locked and saved together; each sees what came before it."""
    locked = await store.lock(tx, {order_id for _, (order_id, _) in asked})
    results: list[Shipment | Refused] = []
    for viewer, key in asked:
        try:
            order, shipment = _visible(locked, viewer, key, operation)
            rule(order, shipment, by=viewer.actor, at=locked.at)
        except Refused as refusal:
            results.append(refusal)
        else:
            results.append(shipment)
    await locked.save()
    return results


async def fail(tx: Tx, viewer: Viewer, key: ShipmentKey, reason: str) -> ShipmentKey:
    """Raises Refused: FORBIDDEN, INVALID, NOT_FOUND, or CONFLICT unless it is BOOKED or DISPATCHED."""
    refuse_all(check_text(reason, "reason", most=REASON_LENGTH))
    locked = await store.lock(tx, [key[0]])
    order, shipment = _visible(locked, viewer, key, Operation.FAIL_SHIPMENT)
    decide.fail(order, shipment, by=viewer.actor, at=locked.at, reason=reason)
    await record_override(tx, viewer, AuditAction.ShipmentFailed, order, EventType.ShipmentFailed)
    await locked.save()
    return key


def _visible(locked: LockedOrders, viewer: Viewer, key: ShipmentKey, operation: Operation) -> tuple[Order, Shipment]:
    """What does not exist and what the viewer's reach does not cover look the same."""
    require(viewer, operation)
    order = locked.get(key[0])
    shipment = order.shipment(key[1]) if order else None
    if order is None or shipment is None or not _reaches(viewer, operation, order, shipment):
        raise refused(Code.NOT_FOUND, "There is no such shipment.", "shipmentId")
    return order, shipment


def _reaches(viewer: Viewer, operation: Operation, order: Order, shipment: Shipment) -> bool:
    """Couriers may learn what became of a shipment that was theirs to carry once, and nothing of others."""
    if reach(viewer, operation) == Reach.CARRIED:
        return shipment.status in COURIER_SEES or shipment.booked_at is not None
    return may_for(viewer, operation, order.customer_reference)
