"""What happened, in one sentence for a person."""

from collections.abc import Mapping
from typing import Any, Final

from oms.domain.concept.declaration import EventKind, Sentence
from oms.domain.order.events import OrderEvent as E
from oms.domain.order.shipment import SHIPMENT_PART
from oms.domain.vocabulary.events import Event, EventType
from oms.domain.vocabulary.failures import phrase
from oms.domain.vocabulary.money import formatted


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
    return f"Unavailable: {lacking}{more}; the customer is asked to accept the rest or to cancel."


def _booked(event: Event, _: str) -> str:
    courier, tracking = event.data["courier"], event.data["tracking"]
    return f"{courier} will deliver shipment {event.number_of(SHIPMENT_PART)}, tracking number {tracking}."


def _counted(count: int, noun: str) -> str:
    return f"{count} {noun}{'' if count == 1 else 's'}"


def _without_amount(sentence: Sentence) -> EventKind:
    return EventKind(sentence, names_no_amount=True)


ORDER_EVENTS: Final[Mapping[EventType, EventKind]] = {
    E.OrderPlaced: EventKind(_plain("The order was placed")),
    E.ItemsAllocated: EventKind(_allocated),
    E.ItemsUnavailable: EventKind(_unavailable),
    E.AmendmentAccepted: EventKind(_plain("The customer accepted the order without its unavailable items")),
    E.OrderCancelled: EventKind(_plain("The order was cancelled")),
    E.OrderTimedOut: EventKind(_plain("The order timed out")),
    E.OrderCompleted: EventKind(_plain("The order is completed")),
    E.OrderFailed: EventKind(_plain("The order failed")),
    E.ShipmentInvoiced: EventKind(_amount("Shipment {n} was invoiced at {amount}", "total")),
    E.ChargeHeld: EventKind(_plain("The charge of shipment {n} waits")),
    E.ChargeStarted: EventKind(_amount("The charge of shipment {n} over {amount} was started", "amount")),
    E.ShipmentCharged: EventKind(_amount("Shipment {n} was charged {amount}", "amount")),
    E.ChargeDeclined: EventKind(_plain("The charge of shipment {n} was declined")),
    E.ShipmentRefunded: EventKind(_amount("The charge of shipment {n}, {amount}, was refunded", "amount")),
    E.ShipmentBooked: _without_amount(_booked),
    E.BookingReleased: EventKind(_plain("The courier's booking of shipment {n} was cancelled")),
    E.ShipmentDispatched: _without_amount(_plain("Shipment {n} was picked up by the courier")),
    E.ShipmentDelivered: _without_amount(_plain("Shipment {n} was delivered")),
    E.ShipmentFailed: _without_amount(_plain("Shipment {n} failed")),
    E.ShipmentCancelled: _without_amount(_plain("Shipment {n} was cancelled")),
}
