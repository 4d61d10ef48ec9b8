"""What people do with shipments, each in the caller's transaction."""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Final
from uuid import UUID

from oms.domain.access.permissions import Operation, Reach, Viewer, may_for, reach, require
from oms.domain.audit.model import AuditAction
from oms.domain.audit.record import record_override
from oms.domain.fulfilment import rules
from oms.domain.order import store
from oms.domain.order.model import Order
from oms.domain.order.shipment import COURIER_SEES, Shipment
from oms.domain.order.store import LockedOrders
from oms.domain.vocabulary.errors import Code, Refused, refuse_all, refused
from oms.domain.vocabulary.events import EventType
from oms.domain.vocabulary.text import REASON_LENGTH, check_text
from oms.platform.db import Tx

ShipmentKey = tuple[UUID, int]
"""A shipment's order and its number in it."""


class Deed(StrEnum):
    """What a courier does with a shipment."""

    DISPATCH = "DISPATCH"
    DELIVER = "DELIVER"


_DEEDS: Final = {
    Deed.DISPATCH: (Operation.DISPATCH, rules.dispatch),
    Deed.DELIVER: (Operation.DELIVER, rules.deliver),
}


@dataclass(frozen=True, slots=True)
class Carry:
    """A courier's command."""

    deed: Deed
    key: ShipmentKey


async def carry(tx: Tx, asked: Sequence[tuple[Viewer, Carry]]) -> list[Shipment | Refused]:
    """Dispatches and delivers, one after the other; each sees what came before it. Answers in their order.

    Refused: FORBIDDEN, NOT_FOUND, or CONFLICT unless it is BOOKED to be dispatched and DISPATCHED to be delivered.
    The orders are locked and saved together; the callers may be different ones.
    """
    locked = await store.lock(tx, {command.key[0] for _, command in asked})
    results: list[Shipment | Refused] = []
    for viewer, command in asked:
        operation, rule = _DEEDS[command.deed]
        try:
            order, shipment = _visible(locked, viewer, command.key, operation)
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
    rules.fail(order, shipment, by=viewer.actor, at=locked.at, reason=reason)
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
