"""Cancelling an order. Pure rules over a loaded order."""

from datetime import datetime

from oms.domain.order.closing import cancel_open_shipments
from oms.domain.order.events import OrderEvent as E
from oms.domain.order.model import ORDER, Order
from oms.domain.order.policy import OrderReason
from oms.domain.vocabulary.actor import Actor
from oms.domain.vocabulary.errors import refused
from oms.domain.vocabulary.wording import wording


def can_cancel(order: Order) -> bool:
    """Until the first shipment is picked up."""
    return ORDER.allows(order.status, E.OrderCancelled) and not order.was_dispatched


def cancel(order: Order, *, by: Actor, at: datetime, reason: str | None) -> None:
    """Ends the order and every open shipment. Raises Refused(CONFLICT) unless can_cancel()."""
    if order.was_dispatched and not order.is_final:
        message = wording("A shipment is already on its way, so the order can't be cancelled any more.")
        raise refused(OrderReason.TOO_LATE_TO_CANCEL, message)
    ORDER.after(order.status, E.OrderCancelled)
    cancel_open_shipments(order, by=by, at=at, reason=reason)
    order.record(E.OrderCancelled, by=by, at=at, reason=reason)
    order.action_deadline = None
