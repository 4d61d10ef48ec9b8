"""What happens to an order, its shipments and their payments, and how people read it."""

from collections.abc import Mapping
from typing import Any, Final

from oms.domain.vocabulary.events import Event, EventKind, EventType, Sentence
from oms.domain.vocabulary.failures import phrase
from oms.domain.vocabulary.money import formatted
from oms.domain.vocabulary.wording import Wording, joined, wording

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
    DeliveryAttempted = "DeliveryAttempted"
    ShipmentDelivered = "ShipmentDelivered"
    ShipmentFailed = "ShipmentFailed"
    ShipmentCancelled = "ShipmentCancelled"


def full_stop(sentence: Wording, event: Event) -> Wording:
    """The sentence, the event's reason if it has one, and a full stop."""
    if event.reason:
        return wording("{sentence}: {reason}.", sentence=sentence, reason=wording(phrase(event.reason)))
    return wording("{sentence}.", sentence=sentence)


def _plain(text: str) -> Sentence:
    """A sentence about the event's shipment ({n}), without its full stop; with the reason if there is one."""
    return lambda event, _: full_stop(wording(text, n=event.number_of(SHIPMENT_PART)), event)


def _amount(text: str, key: str) -> Sentence:
    """The same with an amount from the event's data, and without reason."""

    def sentence(event: Event, currency: str) -> Wording:
        amount = formatted(event.data[key], currency)
        return wording("{sentence}.", sentence=wording(text, n=event.number_of(SHIPMENT_PART), amount=amount))

    return sentence


def _allocated(event: Event, _: str) -> Wording:
    places = ", ".join(dict.fromkeys(part["warehouse"] for part in event.data["shipments"]))
    number = len(event.data["shipments"])
    if number == 1:
        return wording("All items are allocated, in 1 shipment from {places}.", places=places)
    return wording("All items are allocated, in {number} shipments from {places}.", number=number, places=places)


def _unavailable(event: Event, _: str) -> Wording:
    lacking = _lacking(event.data["unavailable"])
    if not event.data["shipments"]:
        return wording("Nothing of the order is available ({lacking}): the customer may cancel it.", lacking=lacking)
    sentences = [
        wording("Unavailable: {lacking}; the customer is asked to accept the rest or to cancel.", lacking=lacking)
    ]
    if "keeps" in event.data:
        sentences.append(
            wording("Until then, the order keeps at most this many units: {units}.", units=event.data["keeps"])
        )
    return joined(sentences)


def _lacking(short: list[dict[str, Any]]) -> Wording:
    """The first three lines that are short of units, and how many more there are."""
    parts = [wording("{units} of {sku}", units=entry["units"], sku=entry["sku"]) for entry in short[:3]]
    if len(short) > 3:
        parts.append(wording("and {number} more", number=len(short) - 3))
    return joined(parts, by=", ")


def _booked(event: Event, _: str) -> Wording:
    return wording(
        "{courier} will deliver shipment {n}, tracking number {tracking}.",
        courier=event.data["courier"],
        n=event.number_of(SHIPMENT_PART),
        tracking=event.data["tracking"],
    )


def _attempted(event: Event, _: str) -> Wording:
    return wording(
        "Shipment {n} could not be delivered, attempt {attempt}: {reason}. The courier tries again on {day}.",
        n=event.number_of(SHIPMENT_PART),
        attempt=event.data["attempt"],
        reason=wording(phrase(event.reason or "")),
        day=event.data["next"],
    )


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
    OrderEvent.DeliveryAttempted: _without_amount(_attempted),
    OrderEvent.ShipmentDelivered: _without_amount(_plain("Shipment {n} was delivered")),
    OrderEvent.ShipmentFailed: _without_amount(_plain("Shipment {n} failed")),
    OrderEvent.ShipmentCancelled: _without_amount(_plain("Shipment {n} was cancelled")),
}
