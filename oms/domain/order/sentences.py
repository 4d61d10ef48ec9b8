"""What happened, in one sentence for a person."""

from collections.abc import Callable, Mapping
from typing import Any, Final

from oms.domain.vocabulary.events import Event
from oms.domain.vocabulary.events import EventType as E
from oms.domain.vocabulary.money import written

_REASONS: Final[Mapping[str, str]] = {
    "SPENDING_LIMIT_EXCEEDED": "it would exceed the customer's spending limit",
    "FRAUD_MAINTENANCE": "fraud control is in maintenance",
    "CARD_DECLINED": "the card was declined",
}


def sentence(event: Event, currency: str) -> str:
    """`currency` is the order's. Couriers are told only of events whose sentence names no amount."""
    return _SENTENCES[event.type](event, currency)


def _plain(text: str) -> Callable[[Event, str], str]:
    """A sentence about the event's shipment ({n}), with the reason if there is one."""
    return lambda event, _: f"{text.format(n=event.shipment)}{_because(event)}."


def _amount(text: str, key: str) -> Callable[[Event, str], str]:
    """The same with an amount that the event carries in its data."""

    def say(event: Event, currency: str) -> str:
        return f"{text.format(n=event.shipment, amount=written(event.data[key], currency))}."

    return say


def _because(event: Event) -> str:
    return f": {_REASONS.get(event.reason, event.reason)}" if event.reason else ""


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


def _counted(count: int, noun: str) -> str:
    return f"{count} {noun}{'' if count == 1 else 's'}"


def _work(text: str) -> Callable[[Event, str], str]:
    def say(event: Event, _: str) -> str:
        about = f"shipment {event.shipment}" if event.shipment else "the order"
        return f"{text.format(queue=event.data['queue'].capitalize(), about=about)}{_because(event)}."

    return say


_SENTENCES: Final[Mapping[E, Callable[[Event, str], str]]] = {
    E.OrderPlaced: _plain("The order was placed"),
    E.ItemsAllocated: _allocated,
    E.ItemsUnavailable: _unavailable,
    E.AmendmentAccepted: _plain("The customer accepted the order without its unavailable items"),
    E.OrderCancelled: _plain("The order was cancelled"),
    E.OrderTimedOut: _plain("The order timed out"),
    E.OrderCompleted: _plain("The order is completed"),
    E.OrderFailed: _plain("The order failed"),
    E.ShipmentInvoiced: _amount("Shipment {n} was invoiced at {amount}", "total"),
    E.ChargeHeld: _plain("The charge of shipment {n} waits"),
    E.ChargeStarted: _amount("The charge of shipment {n} over {amount} was started", "amount"),
    E.ShipmentCharged: _amount("Shipment {n} was charged {amount}", "amount"),
    E.ChargeDeclined: _plain("The charge of shipment {n} was declined"),
    E.ShipmentRefunded: _amount("The charge of shipment {n}, {amount}, was refunded", "amount"),
    E.ShipmentBooked: lambda event, _: (
        f"{event.data['courier']} will deliver shipment {event.shipment}, tracking number {event.data['tracking']}."
    ),
    E.BookingReleased: _plain("The courier's booking of shipment {n} was cancelled"),
    E.ShipmentDispatched: _plain("Shipment {n} was picked up by the courier"),
    E.ShipmentDelivered: _plain("Shipment {n} was delivered"),
    E.ShipmentFailed: _plain("Shipment {n} failed"),
    E.ShipmentCancelled: _plain("Shipment {n} was cancelled"),
    E.WorkParked: _work("{queue} of {about} keeps failing and waits for support"),
    E.WorkRetried: _work("{queue} of {about} is tried again"),
}
