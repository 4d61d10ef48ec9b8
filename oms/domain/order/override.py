"""Staff acting on an order: the audit log refers to the order's own event."""

from oms.domain.access.permissions import Viewer
from oms.domain.audit.model import OVERRIDING, Entry
from oms.domain.audit.record import record
from oms.domain.order.model import Order
from oms.domain.vocabulary.audit_action import AuditAction
from oms.domain.vocabulary.events import EventType
from oms.domain.vocabulary.ids import order_id
from oms.platform.db import Tx


async def record_override(tx: Tx, viewer: Viewer, action: AuditAction, order: Order, event: EventType) -> None:
    """Adds to the audit log if staff caused the new event; call it before the order is saved.

    An order's customer, its courier and the cart override nothing.
    """
    if viewer.role in OVERRIDING:
        seq = next(new.seq for new in order.new_events if new.type == event)
        await record(tx, viewer, Entry(action, order_id(order.id), order_id=order.id, seq=seq))
