"""What each event says to a person."""

from datetime import UTC, datetime
from typing import Any

import pytest

from oms.domain.concepts import REGISTRY
from oms.domain.fraud.events import FraudEvent
from oms.domain.order.events import OrderEvent as E
from oms.domain.parked.events import ParkedEvent
from oms.domain.vocabulary.actor import Actor
from oms.domain.vocabulary.events import Event, EventType
from oms.domain.vocabulary.money import formatted

SHIPMENTS = [{"shipment": 1, "warehouse": "north"}, {"shipment": 2, "warehouse": "south"}]
SHORT = [{"line": n, "sku": f"s{n}", "units": n} for n in range(1, 6)]

SENTENCES: list[tuple[EventType, str | None, dict[str, Any], str]] = [
    (E.OrderPlaced, None, {}, "The order was placed."),
    (E.ItemsAllocated, None, {"shipments": SHIPMENTS}, "All items are allocated, in 2 shipments from north, south."),
    (
        E.ItemsUnavailable,
        None,
        {"shipments": SHIPMENTS, "unavailable": SHORT[:1]},
        "Unavailable: 1 of s1; the customer is asked to accept the rest or to cancel.",
    ),
    (
        E.ItemsUnavailable,
        None,
        {"shipments": [], "unavailable": SHORT},
        ("Nothing of the order is available (1 of s1, 2 of s2, 3 of s3, and 2 more): the customer may cancel it."),
    ),
    (E.AmendmentAccepted, None, {}, "The customer accepted the order without its unavailable items."),
    (E.OrderCancelled, "Too late", {}, "The order was cancelled: Too late."),
    (E.OrderTimedOut, "No answer", {}, "The order timed out: No answer."),
    (E.OrderCompleted, None, {}, "The order is completed."),
    (E.OrderFailed, "CARD_DECLINED", {}, "The order failed: the card was declined."),
    (E.ShipmentInvoiced, None, {"total": 1234}, "Shipment 2 was invoiced at 12.34 USD."),
    (E.ChargeHeld, "FRAUD_MAINTENANCE", {}, "The charge of shipment 2 waits: fraud control is in maintenance."),
    (E.ChargeStarted, None, {"amount": 5}, "The charge of shipment 2 over 0.05 USD was started."),
    (E.ShipmentCharged, None, {"amount": 1200}, "Shipment 2 was charged 12.00 USD."),
    (
        E.ChargeDeclined,
        "SPENDING_LIMIT_EXCEEDED",
        {},
        "The charge of shipment 2 was declined: it would exceed the customer's spending limit.",
    ),
    (E.ShipmentRefunded, None, {"amount": 1200}, "The charge of shipment 2, 12.00 USD, was refunded."),
    (
        E.ShipmentBooked,
        None,
        {"courier": "BIKE", "tracking": "T1"},
        "BIKE will deliver shipment 2, tracking number T1.",
    ),
    (E.BookingReleased, None, {}, "The courier's booking of shipment 2 was cancelled."),
    (E.ShipmentDispatched, None, {}, "Shipment 2 was picked up by the courier."),
    (
        E.DeliveryAttempted,
        "Nobody was there",
        {"attempt": 1, "next": "2026-11-30"},
        "Shipment 2 could not be delivered, attempt 1: Nobody was there. The courier tries again on 2026-11-30.",
    ),
    (E.ShipmentDelivered, None, {}, "Shipment 2 was delivered."),
    (E.ShipmentFailed, "Lost", {}, "Shipment 2 failed: Lost."),
    (E.ShipmentCancelled, None, {}, "Shipment 2 was cancelled."),
    (
        ParkedEvent.WorkParked,
        "no answer",
        {"queue": "billing"},
        "Billing of shipment 2 keeps failing and waits for support: no answer.",
    ),
    (ParkedEvent.WorkRetried, None, {"queue": "booking"}, "Booking of shipment 2 is tried again."),
]


def event(kind: EventType, reason: str | None, data: dict[str, Any]) -> Event:
    return Event(1, kind, datetime(2026, 11, 21, tzinfo=UTC), Actor("billing"), reason, "shipment/2", data)


def sentence(event: Event, currency: str) -> str:
    return REGISTRY.event_kinds[event.type].sentence(event, currency)


@pytest.mark.parametrize(("kind", "reason", "data", "expected"), SENTENCES)
def test_an_event_is_one_sentence(kind: EventType, reason: str | None, data: dict[str, Any], expected: str) -> None:
    assert sentence(event(kind, reason, data), "USD") == expected


def test_every_event_has_a_sentence() -> None:
    assert {kind for kind, *_ in SENTENCES} | set(FraudEvent) == set(REGISTRY.event_kinds)


def test_sentences_for_couriers_name_no_amount() -> None:
    for kind, reason, data, _ in SENTENCES:
        if REGISTRY.event_kinds[kind].names_no_amount:
            assert "USD" not in sentence(event(kind, reason, data), "USD")


@pytest.mark.parametrize(
    ("minor", "currency", "text"),
    [
        (1234, "USD", "12.34 USD"),
        (5, "EUR", "0.05 EUR"),
        (1234, "JPY", "1234 JPY"),
        (1234, "KWD", "1.234 KWD"),
        (0, "USD", "0.00 USD"),
        (-150, "USD", "-1.50 USD"),
    ],
)
def test_amounts_have_the_decimals_of_their_currency(minor: int, currency: str, text: str) -> None:
    assert formatted(minor, currency) == text
