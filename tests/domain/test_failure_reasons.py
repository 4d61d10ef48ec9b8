"""Why a charge was declined or a shipment failed: every reason that the system knows reads as a phrase."""

from pathlib import Path

import pytest

from oms.domain.concepts import REGISTRY
from oms.domain.order.events import OrderEvent
from oms.domain.vocabulary.events import Event
from oms.domain.vocabulary.failures import FailureReason, phrase
from oms.providers.ports import BookingAnswer, BookingRequest, ChargeAnswer, ChargeRequest
from tests.shop import COURIER, ShopUnderTest, open_shop


@pytest.mark.parametrize("reason", FailureReason)
def test_each_failure_reason_has_a_phrase(reason: FailureReason) -> None:
    assert phrase(reason) == phrase(str(reason))
    assert phrase(reason).islower() or " " in phrase(reason)
    assert str(reason) not in phrase(reason)
    assert "_" not in phrase(reason)


def test_phrases_are_different() -> None:
    assert len({phrase(reason) for reason in FailureReason}) == len(FailureReason)


@pytest.mark.parametrize("code", ["EXPIRED_CARD", "DO_NOT_HONOR", "E_42"])
def test_a_providers_unknown_code_reads_as_a_general_phrase(code: str) -> None:
    assert phrase(code) == "the provider refused it"


@pytest.mark.parametrize("words", ["Changed my mind", "LOST", "lost_and_found", "It was the ABC_DEF one"])
def test_what_a_person_wrote_stays_as_it_is(words: str) -> None:
    assert phrase(words) == words


def sentences(events: list[Event], *types: OrderEvent) -> list[str]:
    return [REGISTRY.event_kinds[event.type].sentence(event, "USD") for event in events if event.type in types]


async def events(shop: ShopUnderTest) -> list[Event]:
    rows = await shop.rows("SELECT seq, type, at, reason, subject, data FROM order_events ORDER BY seq")
    return [
        Event(seq, REGISTRY.event_types[kind], at, COURIER.actor, reason, subject, data)
        for seq, kind, at, reason, subject, data in rows
    ]


@pytest.mark.parametrize(
    ("reason", "expected"),
    [
        (None, "The charge of shipment 1 was declined: the payment was declined."),
        ("EXPIRED_CARD", "The charge of shipment 1 was declined: the provider refused it."),
        ("CARD_DECLINED", "The charge of shipment 1 was declined: the card was declined."),
    ],
)
async def test_a_decline_is_stored_as_the_provider_gives_it_and_read_as_a_phrase(
    shop: ShopUnderTest, reason: str | None, expected: str
) -> None:
    async def decline(request: ChargeRequest) -> ChargeAnswer:
        return ChargeAnswer(succeeded=False, reason=reason)

    shop.sandbox.charge = decline  # type: ignore[method-assign]
    await shop.stock_up({"MUG": {"A": 1}})
    order = await shop.place({"MUG": 1})
    await shop.run()
    assert (await shop.order(order)).shipments[0].payment.reason == (reason or FailureReason.DECLINED)
    assert sentences(await events(shop), OrderEvent.ChargeDeclined) == [expected]


async def test_a_courier_that_refuses_without_a_reason_reads_as_no_courier(shop: ShopUnderTest) -> None:
    async def refuse(request: BookingRequest) -> BookingAnswer:
        return BookingAnswer(accepted=False)

    shop.sandbox.book = refuse  # type: ignore[method-assign]
    await shop.stock_up({"MUG": {"A": 1}})
    await shop.place({"MUG": 1})
    await shop.run()
    assert sentences(await events(shop), OrderEvent.ShipmentFailed, OrderEvent.OrderFailed) == [
        "Shipment 1 failed: no courier accepted it.",
        "The order failed: no courier accepted it.",
    ]


async def test_a_customer_who_does_not_answer_reads_so(database_url: str, tmp_path: Path) -> None:
    async with open_shop(database_url, tmp_path) as shop:
        await shop.stock_up({"MUG": {"A": 1}})
        await shop.place({"MUG": 2})
        await shop.run()
        await shop.execute("UPDATE orders SET action_deadline = clock_timestamp() - interval '1 ms'")
        await shop.execute("UPDATE work SET due_at = clock_timestamp()")
        await shop.run()
        assert sentences(await events(shop), OrderEvent.OrderTimedOut) == [
            "The order timed out: the customer did not answer before the deadline."
        ]


async def test_what_a_courier_reports_stays_in_the_couriers_words(shop: ShopUnderTest) -> None:
    await shop.stock_up({"MUG": {"A": 1}})
    order = await shop.place({"MUG": 1})
    await shop.run()
    await shop.fail(order, reason="Nobody was there")
    assert sentences(await events(shop), OrderEvent.ShipmentFailed) == ["Shipment 1 failed: Nobody was there."]
