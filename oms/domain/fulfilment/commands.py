"""What people do with shipments, each in the caller's transaction."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, tzinfo
from enum import StrEnum
from typing import Final

from oms.domain.access.permissions import Viewer, may_for, reach, require
from oms.domain.approvals.model import Act, Request
from oms.domain.approvals.rules import ALONE, SecondPerson
from oms.domain.fulfilment import rules
from oms.domain.fulfilment.policy import FulfilmentAction, FulfilmentPermission
from oms.domain.order.events import OrderEvent
from oms.domain.order.model import Order
from oms.domain.order.override import record_override
from oms.domain.order.policy import OrderReason
from oms.domain.order.shipment import Shipment, ShipmentKey
from oms.domain.order.storage.load import LockedOrders, lock
from oms.domain.vocabulary.errors import Refused, refuse_all, refused
from oms.domain.vocabulary.ids import shipment_id
from oms.domain.vocabulary.permission import Permission, Reach
from oms.domain.vocabulary.texts.checks import REASON_LENGTH, check_text
from oms.domain.vocabulary.wording import wording
from oms.platform.db import Tx


class CourierAction(StrEnum):
    """What a courier does with a shipment."""

    DISPATCH = "DISPATCH"
    DELIVER = "DELIVER"


_ACTIONS: Final = {
    CourierAction.DISPATCH: (FulfilmentPermission.DISPATCH, rules.dispatch),
    CourierAction.DELIVER: (FulfilmentPermission.DELIVER, rules.deliver),
}


@dataclass(frozen=True, slots=True)
class MoveShipment:
    """A courier's command."""

    action: CourierAction
    key: ShipmentKey


async def move(tx: Tx, commands: Sequence[tuple[Viewer, MoveShipment]]) -> list[Shipment | Refused]:
    """Dispatches and delivers one shipment after the other; each command sees the effects of those before it.

    Refused: FORBIDDEN, NOT_FOUND, or CONFLICT unless it is BOOKED to be dispatched and DISPATCHED to be delivered.
    The orders are locked and saved together; the viewers may be different ones. Results are in the commands' order.
    """
    locked = await lock(tx, {command.key[0] for _, command in commands})
    results: list[Shipment | Refused] = []
    for viewer, command in commands:
        permission, rule = _ACTIONS[command.action]
        try:
            order, shipment = _visible(locked, viewer, command.key, permission)
            rule(order, shipment, by=viewer.actor, at=locked.at)
        except Refused as refusal:
            results.append(refusal)
        else:
            results.append(shipment)
    await locked.save()
    return results


async def try_again(
    tx: Tx, viewer: Viewer, key: ShipmentKey, reason: str, *, max_attempts: int, zone: tzinfo = UTC
) -> ShipmentKey:
    """`zone`: the time zone in which the next day is counted.

    Raises Refused: FORBIDDEN, INVALID, NOT_FOUND, or CONFLICT unless it is DISPATCHED and has an attempt left.
    """
    refuse_all(check_text(reason, "reason", max_length=REASON_LENGTH))
    locked = await lock(tx, [key[0]])
    order, shipment = _visible(locked, viewer, key, FulfilmentPermission.TRY_AGAIN)
    rules.try_again(order, shipment, by=viewer.actor, at=locked.at, reason=reason, max_attempts=max_attempts, zone=zone)
    await locked.save()
    return key


async def fail(
    tx: Tx, viewer: Viewer, key: ShipmentKey, reason: str, *, second_person: SecondPerson = ALONE
) -> ShipmentKey:
    """Raises Refused: FORBIDDEN, INVALID, NOT_FOUND, or CONFLICT unless it is BOOKED or DISPATCHED, or if
    `second_person` must confirm it.
    """
    refuse_all(check_text(reason, "reason", max_length=REASON_LENGTH))
    locked = await lock(tx, [key[0]])
    order, shipment = _visible(locked, viewer, key, FulfilmentPermission.FAIL_SHIPMENT)
    refund = shipment.payment.tallied_minor
    rules.fail(order, shipment, by=viewer.actor, at=locked.at, reason=reason)
    second_person.check_refund(viewer, Request(Act.FAIL_SHIPMENT, shipment_id(*key), reason, refund, order.currency))
    await record_override(tx, viewer, FulfilmentAction.ShipmentFailed, order, OrderEvent.ShipmentFailed)
    await locked.save()
    return key


def _visible(locked: LockedOrders, viewer: Viewer, key: ShipmentKey, permission: Permission) -> tuple[Order, Shipment]:
    """Raises Refused: FORBIDDEN, or NOT_FOUND, also for shipments that the viewer may not see."""
    require(viewer, permission)
    found = locked.shipment(key)
    if found is None or not _reaches(viewer, permission, *found, at=locked.at):
        raise refused(OrderReason.SHIPMENT_NOT_FOUND, wording("There is no such shipment."), "shipmentId")
    return found


def _reaches(viewer: Viewer, permission: Permission, order: Order, shipment: Shipment, *, at: datetime) -> bool:
    if reach(viewer, permission) == Reach.CARRIED:
        return rules.carries(viewer.carries, shipment, at=at)
    return may_for(viewer, permission, order.customer_reference)
