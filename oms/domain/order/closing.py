"""How orders end: rules that several concepts share."""

from datetime import datetime

from oms.domain.order.events import OrderEvent as E
from oms.domain.order.model import Order, OrderStatus
from oms.domain.order.shipment import OPEN, Shipment, ShipmentStatus
from oms.domain.vocabulary.actor import Actor


def close_if_done(order: Order, *, by: Actor, at: datetime, reason: str | None = None) -> None:
    """Closes an order in PROCESSING once all of its shipments are final."""
    if order.status != OrderStatus.PROCESSING or not all(s.is_final for s in order.shipments):
        return
    delivered = any(s.status == ShipmentStatus.DELIVERED for s in order.shipments)
    order.record(E.OrderCompleted if delivered else E.OrderFailed, by=by, at=at, reason=None if delivered else reason)


def end_failed(order: Order, shipment: Shipment, *, by: Actor, at: datetime, reason: str) -> None:
    """Fails a shipment that can't be carried out. Raises Refused(CONFLICT) if it is final."""
    order.record_for(shipment, E.ShipmentFailed, by=by, at=at, reason=reason)
    close_if_done(order, by=by, at=at, reason=reason)


def cancel_open_shipments(order: Order, *, by: Actor, at: datetime, reason: str | None) -> None:
    for shipment in order.shipments:
        if shipment.status in OPEN:
            order.record_for(shipment, E.ShipmentCancelled, by=by, at=at, reason=reason)
