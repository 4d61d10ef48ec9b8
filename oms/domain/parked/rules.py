"""What can be done with stuck jobs."""

from oms.domain.order.shipment import Shipment, ShipmentStatus


def can_be_given_up(shipment: Shipment | None) -> bool:
    """Only a pending shipment can be failed instead; an order's own work can only be retried."""
    return shipment is not None and shipment.status == ShipmentStatus.PENDING
