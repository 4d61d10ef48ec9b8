"""Cancelling an order, by its customer, the cart or staff."""

from uuid import UUID

from oms.domain.access.permissions import Viewer
from oms.domain.approvals.model import Act, Request
from oms.domain.approvals.rules import ALONE, SecondPerson
from oms.domain.audit.model import OVERRIDING
from oms.domain.cancellation import rules
from oms.domain.cancellation.policy import CancellationAction, CancellationPermission
from oms.domain.order.access import lock_for
from oms.domain.order.events import OrderEvent
from oms.domain.order.override import record_override
from oms.domain.order.shipment import OPEN
from oms.domain.order.storage import save
from oms.domain.vocabulary.errors import refuse_all
from oms.domain.vocabulary.ids import order_id as public_id
from oms.domain.vocabulary.texts.checks import REASON_LENGTH, check_text
from oms.platform.db import Tx


async def cancel(
    tx: Tx, viewer: Viewer, order_id: UUID, reason: str | None, *, second_person: SecondPerson = ALONE
) -> UUID:
    """Raises Refused: FORBIDDEN, INVALID, NOT_FOUND, or CONFLICT as rules.cancel() says, or if `second_person` must."""
    if reason is not None:
        refuse_all(check_text(reason, "reason", max_length=REASON_LENGTH, blank=True))
    locked, order = await lock_for(tx, viewer, order_id, CancellationPermission.CANCEL_ORDER)
    refund = sum(shipment.payment.tallied_minor for shipment in order.shipments if shipment.status in OPEN)
    own_words = viewer.role not in OVERRIDING
    rules.cancel(order, by=viewer.actor, at=locked.at, reason=None if own_words else reason)
    wanted = Request(Act.CANCEL_ORDER, public_id(order_id), reason, refund, order.currency)
    second_person.check_refund(viewer, wanted)
    if own_words and reason:
        await save.keep_cancel_reason(tx, order_id, reason)
    await record_override(tx, viewer, CancellationAction.OrderCancelled, order, OrderEvent.OrderCancelled)
    await locked.save()
    return order_id
