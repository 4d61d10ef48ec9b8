"""What happens to an order, its shipments and their payments, and how people read it."""

from collections.abc import Mapping
from typing import Any, Final

from oms.domain.vocabulary.events import Event, EventKind, EventType, Sentence
from oms.domain.vocabulary.failures import phrase
from oms.domain.vocabulary.money import formatted

SHIPMENT_PART: Final = "shipment"
"""The name of a shipment in subjects of events and in parts of work."""


class OrderEvent(EventType):
    """The machines of the aggregate say which status each of them changes."""

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


def because(event: Event) -> str:
    """`: the reason`, if the event has one."""
    return f": {phrase(event.reason)}" if event.reason else ""


def _plain(text: str) -> Sentence:
    """A sentence about the event's shipment ({n}), with the reason if there is one."""
    return lambda event, _: f"{text.format(n=event.number_of(SHIPMENT_PART))}{because(event)}."


def _amount(text: str, key: str) -> Sentence:
    """The same with an amount from the event's data."""

    def sentence(event: Event, currency: str) -> str:
        amount = formatted(event.data[key], currency)
        return f"{text.format(n=event.number_of(SHIPMENT_PART), amount=amount)}."

    return sentence


def _allocated(event: Event, _: str) -> str:
    shipments = _counted(len(event.data["shipments"]), "shipment")
    places = ", ".join(dict.fromkeys(part["warehouse"] for part in event.data["shipments"]))
    return f"All items are allocated, in {shipments} from {places}."


def _unavailable(event: Event, _: str) -> str:
    short: list[dict[str, Any]] = event.data["unavailable"]
    lacking = ", ".join(f"{entry['units']} of {entry['sku']}" for entry in short[:3])
    more = f" and of {_counted(len(short) - 3, 'other line')}" if len(short) > 3 else ""
    if not event.data["shipments"]:
        return f"Nothing of the order is available ({lacking}{more}): the customer may cancel it."
    kept = f" Until then it keeps at most {_counted(event.data['keeps'], 'unit')}." if "keeps" in event.data else ""
    return f"Unavailable: {lacking}{more}; the customer is asked to accept the rest or to cancel.{kept}"


def _booked(event: Event, _: str) -> str:
    courier, tracking = event.data["courier"], event.data["tracking"]
    return f"{courier} will deliver shipment {event.number_of(SHIPMENT_PART)}, tracking number {tracking}."


def _counted(count: int, noun: str) -> str:
    return f"{count} {noun}{'' if count == 1 else 's'}"


def _without_amount(sentence: Sentence) -> EventKind:
    return EventKind(sentence, names_no_amount=True)


ORDER_EVENTS: Final[Mapping[EventType, EventKind]] = {
    OrderEvent.OrderPlaced: EventKind(_plain("The order was placed")),
    OrderEvent.ItemsAllocated: EventKind(_allocated),
    OrderEvent.ItemsUnavailable: EventKind(_unavailable),
    OrderEvent.AmendmentAccepted: EventKind(_plain("The customer accepted the order without its unavailable items")),
    OrderEvent.OrderCancelled: EventKind(_plain("The order was cancelled")),
    OrderEvent.OrderTimedOut: EventKind(_plain("The order timed out")),
    OrderEvent.OrderCompleted: EventKind(_plain("The order is completed")),
    OrderEvent.OrderFailed: EventKind(_plain("The order failed")),
    OrderEvent.ShipmentInvoiced: EventKind(_amount("Shipment {n} was invoiced at {amount}", "total")),
    OrderEvent.ChargeHeld: EventKind(_plain("The charge of shipment {n} waits")),
    OrderEvent.ChargeStarted: EventKind(_amount("The charge of shipment {n} over {amount} was started", "amount")),
    OrderEvent.ShipmentCharged: EventKind(_amount("Shipment {n} was charged {amount}", "amount")),
    OrderEvent.ChargeDeclined: EventKind(_plain("The charge of shipment {n} was declined")),
    OrderEvent.ShipmentRefunded: EventKind(_amount("The charge of shipment {n}, {amount}, was refunded", "amount")),
    OrderEvent.ShipmentBooked: _without_amount(_booked),
    OrderEvent.BookingReleased: EventKind(_plain("The courier's booking of shipment {n} was cancelled")),
    OrderEvent.ShipmentDispatched: _without_amount(_plain("Shipment {n} was picked up by the courier")),
    OrderEvent.ShipmentDelivered: _without_amount(_plain("Shipment {n} was delivered")),
    OrderEvent.ShipmentFailed: _without_amount(_plain("Shipment {n} failed")),
    OrderEvent.ShipmentCancelled: _without_amount(_plain("Shipment {n} was cancelled")),
}
