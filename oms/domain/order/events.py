"""What happens to an order, its shipments and their payments."""

from oms.domain.vocabulary.events import EventType


class OrderEvent(EventType):
    """The machines of the aggregate say which status each of them moves."""

    OrderPlaced = "OrderPlaced"
    ItemsAllocated = "ItemsAllocated"
    ItemsUnavailable = "ItemsUnavailable"
    AmendmentAccepted = "AmendmentAccepted"
    OrderCancelled = "OrderCancelled"
    OrderTimedOut = "OrderTimedOut"
    OrderCompleted = "OrderCompleted"
    OrderFailed = "OrderFailed"

    ShipmentInvoiced = "ShipmentInvoiced"
    ChargeHeld = "ChargeHeld"
    ChargeStarted = "ChargeStarted"
    ShipmentCharged = "ShipmentCharged"
    ChargeDeclined = "ChargeDeclined"
    ShipmentRefunded = "ShipmentRefunded"
    ShipmentBooked = "ShipmentBooked"
    BookingReleased = "BookingReleased"
    ShipmentDispatched = "ShipmentDispatched"
    ShipmentDelivered = "ShipmentDelivered"
    ShipmentFailed = "ShipmentFailed"
    ShipmentCancelled = "ShipmentCancelled"
