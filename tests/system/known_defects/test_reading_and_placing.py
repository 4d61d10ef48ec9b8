"""Defects of the first systems of this kind (domain.md), which this one does not have: reading and placing."""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from oms.schema.schema import schema
from tests.schema.api import ANA, Api, Known
from tests.shop import CART, MANAGER, customer, open_shop

PLACE = """mutation ($input: PlaceOrderInput!) { placeOrder(input: $input) {
    order { id } userErrors { code path message } } }"""
ORDER = {"reference": "r", "customerReference": "ana", "lines": [{"sku": "tea", "quantity": 2}]}


@pytest.fixture
async def api(database_url: str, tmp_path: Path) -> AsyncIterator[Api]:
    async with open_shop(database_url, tmp_path) as shop:
        await shop.stock_up({"tea": {"north": 500}})
        yield Api(shop)


BOUNDED = ("stock", "shipmentCounts", "checkAddress", "attention", "hourlyFigures", "operationsSamples")
"""One entry for each warehouse that has the SKU, for each of three statuses, for each field of an address, for each
kind of standstill, and for each hour or minute of a day at most."""


async def test_lists_with_no_paging(api: Api) -> None:
    """Every list that grows is a connection, and no page is longer than a hundred."""
    for _ in range(102):
        await api.shop.place({"tea": 1})
    assert len((await api.ask("{ orders { nodes { id } } }"))["nodes"]) == 20
    assert len((await api.ask("{ orders(first: 100) { nodes { id } } }"))["nodes"]) == 100
    error = await api.refusal("{ orders(first: 101) { nodes { id } } }")
    assert error.extensions == {"code": "INVALID", "reason": "BAD_PAGE_SIZE", "path": ["first"]}
    assert schema._schema.query_type is not None
    unpaged = [
        name
        for name, field in schema._schema.query_type.fields.items()
        if str(field.type).startswith("[") and name not in BOUNDED
    ]
    assert unpaged == []


async def test_one_customer_reading_another_s_order_by_guessing_its_id(api: Api) -> None:
    """A correct id does not help: any field with an id answers as if another customer's order did not exist."""
    known = Known(await api.shop.place({"tea": 1}, customer="ana"))
    await api.shop.run()
    ben = customer("ben")
    for field, key in (
        ("order", known.id),
        ("node", known.id),
        ("shipment", known.shipment()),
        ("node", known.shipment()),
    ):
        document = f"query ($id: ID!) {{ {field}(id: $id) {{ id }} }}"
        assert await api.ask(document, ben, id=key) is None
        assert await api.ask(document, ANA, id=key) == {"id": key}
    assert await api.ask('{ order(reference: "order-1") { id } }', ben) is None
    assert await api.ask('{ orders(search: "order-1") { nodes { id } } }', ben) == {"nodes": []}
    cancel = "mutation ($id: ID!) { cancelOrder(orderId: $id) { order { id } userErrors { code } } }"
    assert await api.ask(cancel, ben, id=known.id) == {"order": None, "userErrors": [{"code": "NOT_FOUND"}]}


async def test_a_used_reference_does_not_show_somebody_else_s_order(api: Api) -> None:
    """Nor is it taken from anybody: each customer's references are their own."""
    first = await api.ask(PLACE, ANA, input=ORDER)
    second = await api.ask(PLACE, customer("ben"), input=ORDER | {"customerReference": "ben"})
    assert first["userErrors"] == second["userErrors"] == []
    assert first["order"]["id"] != second["order"]["id"]
    again = await api.ask(PLACE, ANA, input=ORDER)
    assert again["order"]["id"] == first["order"]["id"]
    different = await api.ask(PLACE, ANA, input=ORDER | {"paymentMethod": "another"})
    assert [error["code"] for error in different["userErrors"]] == ["DUPLICATE"]


async def test_partial_failure_shown_as_plain_success(api: Api) -> None:
    """In a bulk request each order has its own result."""
    document = """mutation ($inputs: [PlaceOrderInput!]!) { placeOrders(inputs: $inputs) {
        results { order { id } userErrors { code path } } } }"""
    inputs = [ORDER | {"reference": "a"}, ORDER | {"reference": "b", "lines": [{"sku": "coal", "quantity": 1}]}]
    results = (await api.ask(document, CART, inputs=inputs))["results"]
    assert [result["order"] is not None for result in results] == [True, False]
    assert results[1]["userErrors"] == [{"code": "INVALID", "path": ["lines", "0", "sku"]}]


async def test_partial_failure_of_an_order_shown_as_plain_success(api: Api) -> None:
    """Each shipment says whether it was paid, and why not; the total leaves out those that were not."""
    await api.shop.stock_up({"tea": {"north": 1}, "mug": {"south": 1}}, price=1000)
    await api.ask("mutation { setSpendingLimit(limit: 1500) { userErrors { code } } }", MANAGER)
    known = Known(await api.shop.place({"tea": 1, "mug": 1}))
    await api.shop.run()
    document = """query ($id: ID!) { order(id: $id) {
        total { amount } shipments { status invoice { total { amount } } payment { status reason } } } }"""
    shown = await api.ask(document, id=known.id)
    paid, declined = sorted(shown["shipments"], key=lambda shipment: str(shipment["status"]))
    assert (paid["status"], paid["payment"]) == ("BOOKED", {"status": "SUCCEEDED", "reason": None})
    assert declined["status"] == "FAILED"
    assert declined["payment"] == {"status": "DECLINED", "reason": "SPENDING_LIMIT_EXCEEDED"}
    assert shown["total"] == paid["invoice"]["total"]


@pytest.mark.parametrize("quantity", [0, -1, -(2**31), 1_000_001, 2**31 - 1])
async def test_negative_or_zero_quantities(api: Api, quantity: int) -> None:
    """They are refused with the path of their line, and nothing is placed."""
    lines = [{"sku": "tea", "quantity": 1}, {"sku": "tea", "quantity": quantity}]
    payload = await api.ask(PLACE, CART, input=ORDER | {"lines": lines})
    assert payload["order"] is None
    [error] = payload["userErrors"]
    assert (error["code"], error["path"]) == ("INVALID", ["lines", "1", "quantity"])
    assert await api.shop.rows("SELECT count(*) FROM orders") == [(0,)]


@pytest.mark.parametrize(
    "other",
    [
        {"lines": [{"sku": "tea", "quantity": 3}]},
        {"lines": [{"sku": "tea", "quantity": 1}, {"sku": "tea", "quantity": 1}]},
        {"lines": [{"sku": "tea", "quantity": 2, "unitPrice": 1000}]},
        {"customerReference": "ben"},
        {"email": "ana@example.com"},
        {"paymentMethod": "sandbox-declined"},
    ],
)
async def test_a_second_order_accepted_under_a_used_number_with_other_content(api: Api, other: dict[str, Any]) -> None:
    """It is DUPLICATE; the first order is unchanged."""
    first = await api.ask(PLACE, CART, input=ORDER)
    payload = await api.ask(PLACE, CART, input=ORDER | other)
    assert payload["order"] is None
    [error] = payload["userErrors"]
    assert (error["code"], error["path"]) == ("DUPLICATE", ["reference"])
    assert await api.ask(PLACE, CART, input=ORDER) == first
    assert await api.shop.rows("SELECT count(*) FROM orders") == [(1,)]
