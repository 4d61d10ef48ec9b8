"""The order aggregate describes itself."""

from typing import Final

from oms.domain.concept.declaration import Concept
from oms.domain.order.events import ORDER_EVENTS
from oms.domain.order.model import ORDER
from oms.domain.order.payment import PAYMENT
from oms.domain.order.policy import OrderPermission, OrderReason
from oms.domain.order.shipment import SHIPMENT
from oms.domain.order.storage.tables import allocations, order_events, order_lines, order_references, orders, shipments

ORDERS: Final = Concept(
    name="order",
    tables=(orders, order_references, order_lines, order_events, shipments, allocations),
    machines=(ORDER, SHIPMENT, PAYMENT),
    events=ORDER_EVENTS,
    permissions=(OrderPermission,),
    reasons=(OrderReason,),
)
