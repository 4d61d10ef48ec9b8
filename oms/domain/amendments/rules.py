"""An amended order: its customer accepts what is left, or does not answer. Pure rules over a loaded order."""

from collections.abc import Mapping
from datetime import datetime
from typing import Final

from oms.domain.concept.work import Due, Step
from oms.domain.order.closing import cancel_open_shipments
from oms.domain.order.events import OrderEvent as E
from oms.domain.order.model import ORDER, Order, OrderStatus
from oms.domain.order.policy import OrderReason
from oms.domain.vocabulary.actor import Actor
from oms.domain.vocabulary.errors import refused
from oms.domain.vocabulary.failures import FailureReason
from oms.domain.vocabulary.wording import wording

_NO_ANSWER: Final = FailureReason.NO_ANSWER


class DeadlineStep(Step):
    """The steps of the queue."""

    EXPIRE = "EXPIRE"


def due(order: Order) -> Mapping[int, Due]:
    """An amended order times out at its deadline."""
    waiting = order.status == OrderStatus.CUSTOMER_ACTION_REQUIRED
    return {0: Due(DeadlineStep.EXPIRE, order.action_deadline)} if waiting else {}


def can_accept(order: Order, *, at: datetime) -> bool:
    """Whether there is something left to accept, and time left to do it."""
    waiting = ORDER.allows(order.status, E.AmendmentAccepted)
    return waiting and bool(order.shipments) and order.action_deadline is not None and at <= order.action_deadline


def accept(order: Order, *, by: Actor, at: datetime) -> None:
    """The customer accepts the order without its unavailable items. Raises Refused(CONFLICT) unless can_accept()."""
    if ORDER.allows(order.status, E.AmendmentAccepted) and not order.shipments:
        message = wording("Nothing of this order is available, so there is nothing to accept: cancel it.")
        raise refused(OrderReason.NOTHING_TO_ACCEPT, message)
    if ORDER.allows(order.status, E.AmendmentAccepted) and not can_accept(order, at=at):
        message = wording("The time to accept has run out; place a new order for the available items.")
        raise refused(OrderReason.ACTION_DEADLINE_PASSED, message)
    order.record(E.AmendmentAccepted, by=by, at=at)
    order.action_deadline = None


def time_out(order: Order, *, by: Actor, at: datetime) -> None:
    """The customer did not answer. Does nothing if they did, or if the deadline has not passed."""
    if order.action_deadline is None or at <= order.action_deadline:
        return
    cancel_open_shipments(order, by=by, at=at, reason=_NO_ANSWER)
    order.record(E.OrderTimedOut, by=by, at=at, reason=_NO_ANSWER)
    order.action_deadline = None
