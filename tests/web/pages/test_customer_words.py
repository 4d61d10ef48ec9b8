"""Customers read their own language on their pages, in every state of an order: never the words of our workshop."""

import re
from collections.abc import Awaitable, Callable
from typing import Any
from uuid import UUID

import html5lib
import pytest

from oms.domain.concepts import REGISTRY
from oms.domain.fraud import commands as fraud
from oms.domain.order.events import OrderEvent
from oms.domain.order.model import OrderStatus
from oms.domain.order.shipment import ShipmentStatus
from oms.domain.parked.events import ParkedEvent
from oms.domain.vocabulary.ids import order_id
from oms.providers.ports import ProviderUnavailable
from oms.web.pages.rendering.story import TOLD, UNTOLD
from tests.shop import MANAGER, ShopUnderTest
from tests.web.conftest import Server
from tests.web.pages.conftest import persona

OWN = "demo-customer"
OURS = (
    "fraud", "maintenance", "keeps failing", "sandbox", "shipment", "allocat", "amend", "parked", "queue", "work item",
    "retry", "spending limit", "pick-up", "dispatched", "booked", "provider", "billing", "the customer", "sku",
    *{status.value for status in (*OrderStatus, *ShipmentStatus)}, "CARD_DECLINED", "_",
)  # fmt: skip
"""Refused in what a customer sees. Capitals are refused as they are, other words in any case."""

State = Callable[[ShopUnderTest], Awaitable[UUID]]
STATES: dict[str, State] = {}


def state(make: State) -> State:
    STATES[make.__name__] = make
    return make


async def placed(shop: ShopUnderTest, **fields: Any) -> UUID:
    await shop.execute("UPDATE products SET name = 'Blue ' || sku")
    return await shop.place({"pen": 1, "ink": 1}, customer=OWN, **fields)


async def booked(shop: ShopUnderTest, **fields: Any) -> UUID:
    order = await placed(shop, **fields)
    await shop.run()
    return order


@state
async def received(shop: ShopUnderTest) -> UUID:
    return await placed(shop)


@state
async def packed(shop: ShopUnderTest) -> UUID:
    return await booked(shop)


@state
async def on_its_way(shop: ShopUnderTest) -> UUID:
    order = await booked(shop)
    await shop.dispatch(order)
    return order


@state
async def partly_delivered(shop: ShopUnderTest) -> UUID:
    order = await on_its_way(shop)
    await shop.deliver(order)
    return order


@state
async def delivered(shop: ShopUnderTest) -> UUID:
    order = await partly_delivered(shop)
    await shop.dispatch(order, 2)
    await shop.deliver(order, 2)
    return order


@state
async def lost(shop: ShopUnderTest) -> UUID:
    order = await on_its_way(shop)
    await shop.fail(order, reason="The box fell into the river")
    await shop.run()
    return order


@state
async def declined(shop: ShopUnderTest) -> UUID:
    return await booked(shop, payment_method="sandbox-declined")


@state
async def unknown_way_to_pay(shop: ShopUnderTest) -> UUID:
    return await booked(shop, payment_method="shells")


@state
async def cancelled(shop: ShopUnderTest) -> UUID:
    order = await booked(shop)
    await shop.cancel(order)
    await shop.run()
    return order


@state
async def asked(shop: ShopUnderTest) -> UUID:
    order = await shop.place({"pen": 8, "ink": 1}, customer=OWN)
    await shop.run()
    return order


@state
async def asked_for_nothing(shop: ShopUnderTest) -> UUID:
    await shop.stock_up({"gone": {"east": 0}})
    order = await shop.place({"gone": 1}, customer=OWN)
    await shop.run()
    return order


@state
async def accepted(shop: ShopUnderTest) -> UUID:
    order = await asked(shop)
    await shop.accept(order)
    await shop.run()
    return order


@state
async def timed_out(shop: ShopUnderTest) -> UUID:
    order = await asked(shop)
    await shop.execute("UPDATE orders SET action_deadline = clock_timestamp()")
    await shop.execute("UPDATE work SET due_at = clock_timestamp()")
    await shop.run()
    return order


@state
async def beyond_the_limit(shop: ShopUnderTest) -> UUID:
    async with shop.db.transaction() as tx:
        await fraud.set_spending_limit(tx, MANAGER, 1, "USD")
    return await booked(shop)


@state
async def held(shop: ShopUnderTest) -> UUID:
    async with shop.db.transaction() as tx:
        await fraud.set_maintenance(tx, MANAGER, enabled=True)
    return await booked(shop)


@state
async def stuck(shop: ShopUnderTest) -> UUID:
    async def fails(*_: object) -> None:
        raise ProviderUnavailable("connection refused at billing-7")

    order = await placed(shop)
    shop.sandbox.charge = fails  # type: ignore[method-assign, assignment]  # this shop's own
    for _ in range(4):
        await shop.run()
        await shop.execute("UPDATE work SET due_at = clock_timestamp() WHERE parked_at IS NULL")
    assert "WorkParked" in await shop.events(order)
    return order


def seen(html: str) -> str:
    """What a customer sees or hears: texts outside of the head, and labels."""
    document: Any = html5lib.parse(html, namespaceHTMLElements=False)
    body = document.find("body")
    labels = [
        value
        for element in body.iter()
        for name, value in element.items()
        if name in ("aria-label", "title", "placeholder", "alt", "data-announce")
    ]
    return re.sub(r"\s+", " ", " ".join([*body.itertext(), *labels]))


def ours(text: str) -> list[str]:
    return [word for word in OURS if word in (text if word.isupper() or word == "_" else text.lower())]


@pytest.mark.parametrize("name", STATES)
async def test_the_pages_of_a_customer_say_nothing_in_our_words(pages: Server, shop: ShopUnderTest, name: str) -> None:
    order = await STATES[name](shop)
    async with persona(pages, "customer") as browser:
        for address in (f"/orders/{order_id(order)}", f"/orders/{order_id(order)}?placed=1", "/orders", "/orders/new"):
            answer = await browser.get(address)
            assert answer.status_code == 200, address
            assert ours(seen(answer.text)) == [], address


async def test_the_test_finds_such_words() -> None:
    assert ours("Fraud control is in maintenance; SANDBOX-BIKE; PENDING") == [
        "fraud",
        "maintenance",
        "sandbox",
        "PENDING",
    ]
    assert ours("Your order is pending.") == []


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("on_its_way", "On its way"),
        ("packed", "We are getting it ready"),
        ("delivered", "Everything that we could send has arrived."),
        ("lost", "You get back what you paid."),
        ("lost", "Parcel 1 could not be delivered. The box fell into the river."),
        ("declined", "Ask your bank, or order again with another card. You pay nothing for this parcel."),
        ("beyond_the_limit", "It is more than you may spend at the moment. Order less, or try again later."),
        ("held", "We take no payments for a short while."),
        ("timed_out", "We had no answer in time, so the order ended. You pay nothing."),
        ("asked", "Accept and pay $60.00"),
        ("asked_for_nothing", "There is nothing to accept."),
    ],
)
async def test_the_journey_is_told_with_what_to_do_next(
    pages: Server, shop: ShopUnderTest, name: str, words: str
) -> None:
    order = await STATES[name](shop)
    async with persona(pages, "customer") as browser:
        assert words in seen((await browser.get(f"/orders/{order_id(order)}")).text)


def test_each_event_of_an_order_is_told_to_its_customer_or_left_out_on_purpose() -> None:
    assert frozenset({*OrderEvent, *ParkedEvent}) == TOLD | UNTOLD
    assert not TOLD & UNTOLD
    assert set(REGISTRY.event_kinds) >= TOLD
