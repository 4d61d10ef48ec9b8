"""A support clerk finds an order by whatever a customer tells; nobody finds what they may not see."""

from collections.abc import Callable
from typing import Any, Final

import pytest

from oms.domain.access.permissions import Viewer
from oms.domain.audit.model import OPERATOR
from oms.domain.catalog import commands as catalog
from oms.domain.catalog.model import Product
from oms.domain.personal_data import commands as personal_data
from tests.schema.api import Api, Known
from tests.shop import CART, COURIER, MANAGER, SUPPORT, customer

SEARCH: Final = "query ($search: String!, $filter: OrderFilter) { orders(search: $search, filter: $filter) { nodes { id reference } } }"  # noqa: E501 - a document
WANTED: Final = "CART-2024-000123"
ADDRESS: Final = {
    "name": "Ana-Lena Müller", "line1": "1 Example Street", "postalCode": "10115", "city": "Berlin", "country": "DE",
}  # fmt: skip
OTHER: Final = ADDRESS | {"name": "Ben Groß", "postalCode": "80331", "city": "Baden-Baden"}


@pytest.fixture
async def known(api: Api) -> dict[str, str]:
    """What is known of the order that the clerk looks for; there are two others."""
    await api.shop.stock_up({"KETTLE-17": {"north": 50}, "TEAPOT-4": {"north": 50}})
    async with api.shop.db.transaction() as tx:
        products = [Product("KETTLE-17", "Électric kettle, red", 100, "EUR"), Product("TEAPOT-4", "Pot", 100, "EUR")]
        await catalog.upsert_products(tx, MANAGER, products)
    order = Known(
        await api.shop.place(
            {"KETTLE-17": 1}, reference=WANTED, customer="Customer-0815", email="Ana.Mueller@Example.com",
            phone="+49 (0)170 / 1234567", shipping_address=ADDRESS,
        )
    )  # fmt: skip
    await api.shop.place(
        {"TEAPOT-4": 1}, reference="SHOP-2", customer="ben", email="ben@example.org", phone="030 998877",
        shipping_address=OTHER,
    )  # fmt: skip
    await api.shop.place({"TEAPOT-4": 1}, reference="SHOP-3", customer="cleo")
    await api.shop.run()
    document = "query ($id: ID!) { order(id: $id) { shipments { id trackingNumber invoice { number } } } }"
    [shipment] = (await api.ask(document, id=order.id))["shipments"]
    return {
        "id": order.id, "shipment": shipment["id"], "tracking": shipment["trackingNumber"],
        "invoice": shipment["invoice"]["number"],
    }  # fmt: skip


def spaced(text: str) -> str:
    return " ".join(text[start : start + 4] for start in range(0, len(text), 4))


QUERIES: Final[dict[str, Callable[[dict[str, str]], str]]] = {
    "whole reference": lambda _: "CART-2024-000123",
    "reference in small letters": lambda _: "cart-2024-000123",
    "beginning of the reference": lambda _: "CART-2024",
    "reference without separators": lambda _: "cart2024 000123",
    "tracking number in small letters with spaces": lambda known: spaced(known["tracking"].lower()),
    "beginning of the tracking number": lambda known: known["tracking"][:9],
    "invoice number": lambda known: known["invoice"],
    "e-mail": lambda _: "ana.mueller@example.com",
    "e-mail before the @": lambda _: "ana.mueller",
    "surname": lambda _: "Müller",
    "surname, then first name": lambda _: "müller ana-lena",
    "name without accents": lambda _: "muller",
    "name with ue for the umlaut": lambda _: "MUELLER",
    "beginning of a part of the first name": lambda _: "len",
    "telephone number from abroad": lambda _: "+49 170 1234567",
    "telephone number with a 0": lambda _: "0170 123 45 67",
    "last digits of the telephone number": lambda _: "34567",
    "postal code": lambda _: "10115",
    "city": lambda _: "berlin",
    "postal code and city": lambda _: "10115 Berlin",
    "name and city": lambda _: "Ana Berlin",
    "SKU": lambda _: "KETTLE-17",
    "beginning of the SKU": lambda _: "kettle-1",
    "product name": lambda _: "Électric kettle, red",
    "word of the product name without its accent": lambda _: "electric",
    "id of the order's page": lambda known: known["id"],
    "beginning of the id": lambda known: known["id"][4:24],
    "id of the shipment": lambda known: known["shipment"],
    "customer's reference": lambda _: "customer-0815",
    "beginning of the customer's reference, and the product": lambda _: "Customer-08 kettle",
}


async def found(api: Api, search: str, viewer: Viewer = SUPPORT, **filters: Any) -> list[str]:
    return [order["reference"] for order in (await api.ask(SEARCH, viewer, search=search, filter=filters))["nodes"]]


@pytest.mark.parametrize("viewer", [SUPPORT, MANAGER, CART], ids=lambda viewer: viewer.role)
async def test_a_clerk_finds_the_order(api: Api, known: dict[str, str], viewer: Viewer) -> None:
    missed = {
        name: query(known) for name, query in QUERIES.items() if await found(api, query(known), viewer) != [WANTED]
    }
    assert missed == {}


async def test_another_customer_finds_nothing_of_it(api: Api, known: dict[str, str]) -> None:
    for query in QUERIES.values():
        assert await found(api, query(known), customer("ben")) == [], query(known)


async def test_its_customer_finds_it(api: Api, known: dict[str, str]) -> None:
    for query in QUERIES.values():
        assert await found(api, query(known), customer("Customer-0815")) == [WANTED], query(known)


async def test_couriers_list_no_orders(api: Api, known: dict[str, str]) -> None:
    refusal = await api.refusal(SEARCH, COURIER, search=known["tracking"])
    assert "list orders" in refusal.message


async def test_every_word_must_match(api: Api, known: dict[str, str]) -> None:
    assert known
    assert await found(api, "Ana Baden") == []
    assert await found(api, "Ben Baden") == ["SHOP-2"]
    assert await found(api, "baden-baden gross") == ["SHOP-2"]
    assert await found(api, "pot") == ["SHOP-3", "SHOP-2"]
    assert await found(api, "ller") == []


async def test_what_has_no_letters_finds_nothing_and_too_much_is_refused(api: Api, known: dict[str, str]) -> None:
    assert known
    assert await found(api, "%_ -") == []
    for text, reason in (
        ("a b c d e f g h i", "TOO_MANY_WORDS"),
        ("a" * 255, "TOO_LONG"),
        ("\x00", "UNSUPPORTED_CHARACTER"),
    ):
        assert (await api.refusal(SEARCH, search=text)).extensions == {
            "code": "INVALID", "reason": reason, "path": ["search"],
        }  # fmt: skip


async def test_a_product_that_was_renamed_is_found_by_its_new_name(api: Api, known: dict[str, str]) -> None:
    assert known
    async with api.shop.db.transaction() as tx:
        await catalog.upsert_products(tx, MANAGER, [Product("KETTLE-17", "Boiler", 100, "EUR")])
    assert await found(api, "boiler") == [WANTED]
    assert await found(api, "electric") == []


async def test_an_erased_customer_is_found_by_numbers_and_pseudonym_only(api: Api, known: dict[str, str]) -> None:
    [(key,)] = await api.shop.rows("SELECT id FROM orders WHERE reference = :reference", reference=WANTED)
    await api.shop.dispatch(key)
    await api.shop.deliver(key)
    await api.shop.run()
    async with api.shop.db.transaction() as tx:
        erased = await personal_data.erase(tx, OPERATOR, "Customer-0815", "Asked for it")
    for text in ("Ana", "10115", "berlin", "ana.mueller@example.com", "0170 1234567", "customer-0815"):
        assert await found(api, text) == [], text
    for text in (WANTED, known["tracking"], known["invoice"], known["id"], "kettle", erased.pseudonym):
        assert await found(api, text) == [WANTED], text


DETAILS: Final = "query ($id: ID!) { order(id: $id) { email phone shippingAddress { name city } } }"


async def test_email_and_phone_are_read_by_those_who_may(api: Api, known: dict[str, str]) -> None:
    own = customer("Customer-0815")
    for viewer in (SUPPORT, MANAGER, CART, own):
        order = await api.ask(DETAILS, viewer, id=known["id"])
        assert (order["email"], order["phone"]) == ("Ana.Mueller@Example.com", "+491701234567")
    at_the_door = await api.answer(DETAILS, COURIER, id=known["id"])
    assert at_the_door.data is not None
    assert at_the_door.data["order"]["phone"] == "+491701234567"
    assert at_the_door.data["order"]["email"] is None
    assert await api.ask(DETAILS, customer("ben"), id=known["id"]) is None
