"""Locking one order for a viewer's command."""

from uuid import UUID

from oms.domain.access.permissions import Viewer, may_for, require
from oms.domain.order.model import Order
from oms.domain.order.policy import OrderReason
from oms.domain.order.storage.load import LockedOrders, lock
from oms.domain.vocabulary.errors import refused
from oms.domain.vocabulary.permission import Permission
from oms.domain.vocabulary.wording import wording
from oms.platform.db import Tx


async def lock_for(tx: Tx, viewer: Viewer, order_id: UUID, permission: Permission) -> tuple[LockedOrders, Order]:
    """Raises Refused: FORBIDDEN, or NOT_FOUND, also for an order of another customer."""
    require(viewer, permission)
    locked = await lock(tx, [order_id])
    order = locked.get(order_id)
    if order is None or not may_for(viewer, permission, order.customer_reference):
        raise refused(OrderReason.ORDER_NOT_FOUND, wording("There is no such order."), "orderId")
    return locked, order
