"""Not found and not yours look the same, to the byte: for orders, shipments, customers, nodes and subscriptions."""

import json
from typing import Final

import pytest

from oms.domain.vocabulary.ids import order_id, shipment_id
from oms.schema.schema import schema
from tests.shop import COURIER, customer
from tests.system.policy.conftest import Staged
from tests.system.policy.scene import ANA, BEN

UNUSED: Final = "0" * 32
ORDER: Final = "query ($id: ID) { order(id: $id) { id } }"
BY_REFERENCE: Final = "query ($id: String) { order(reference: $id) { id } }"
SHIPMENT: Final = "query ($id: ID!) { shipment(id: $id) { id } }"
NODE: Final = "query ($id: ID!) { node(id: $id) { __typename id } }"
CUSTOMER: Final = "query ($id: ID) { customer(id: $id) { id } }"
CUSTOMER_BY_REFERENCE: Final = "query ($id: String) { customer(reference: $id) { id } }"
OF_CUSTOMER: Final = "query ($id: ID) { orders(filter: { customerId: $id }) { nodes { id } edges { cursor } } }"
PLACE: Final = (
    "mutation ($input: PlaceOrderInput!) { placeOrder(input: $input) { order { id } userErrors { code message } } }"
)
SEARCH: Final = "query ($id: String) { orders(search: $id) { nodes { id } edges { cursor } } }"


def of_bens(staged: Staged) -> list[tuple[str, str, str]]:
    """A document, the id of an object of ben, and a similar id of nothing."""
    scene = staged.scene
    order, shipment = order_id(scene.bens), shipment_id(scene.bens, 1)
    return [
        (ORDER, order, f"ord_{UNUSED}"),
        (BY_REFERENCE, "order-6", "order-66"),
        (SHIPMENT, shipment, f"shp_{UNUSED}_1"),
        *((NODE, each, like) for each, like in ((order, f"ord_{UNUSED}"), (shipment, f"shp_{UNUSED}_1"))),
        (NODE, scene.ben, f"cus_{UNUSED}"),
        (CUSTOMER, scene.ben, f"cus_{UNUSED}"),
        (CUSTOMER_BY_REFERENCE, "ben", "nobody"),
        (OF_CUSTOMER, scene.ben, f"cus_{UNUSED}"),
        (SEARCH, "order-6", "order-66"),
        (SEARCH, "ben", "nobody"),
    ]


@pytest.mark.parametrize("nth", range(11))
async def test_a_query_reveals_nothing_to_a_stranger(staged: Staged, nth: int) -> None:
    document, theirs, nothing = of_bens(staged)[nth]
    answers = [await staged.api.answer(document, ANA, id=key) for key in (theirs, nothing)]
    assert _bytes(answers[0]) == _bytes(answers[1])
    assert _bytes(await staged.api.answer(document, BEN, id=theirs)) != _bytes(answers[0])


async def test_a_stranger_learns_nothing_by_placing_an_order_under_a_used_reference(staged: Staged) -> None:
    reference = "order-6"
    assert await staged.api.shop.rows("SELECT count(*) FROM orders WHERE reference = :used", used=reference) == [(1,)]
    for used in (reference, "never used"):
        payload = await staged.api.ask(
            PLACE, customer("cy"), input={"reference": used, "lines": [{"sku": "tea", "quantity": 1}]}
        )
        assert payload["userErrors"] == []
        assert payload["order"]["id"] != order_id(staged.scene.bens)


def _bytes(result: object) -> bytes:
    errors = [error.formatted for error in getattr(result, "errors", None) or ()]
    return json.dumps([getattr(result, "data", None), errors]).encode()


@pytest.mark.parametrize("document", [ORDER, SHIPMENT, NODE])
async def test_to_a_courier_an_unbooked_order_looks_like_none(staged: Staged, document: str) -> None:
    amended, nothing = staged.scene.amended, f"{UNUSED}"
    ids = (
        (shipment_id(amended, 1), f"shp_{nothing}_1") if document == SHIPMENT else (order_id(amended), f"ord_{nothing}")
    )
    answers = [await staged.api.answer(document, COURIER, id=each) for each in ids]
    assert _bytes(answers[0]) == _bytes(answers[1])
    delivered = staged.scene.delivered
    seen = shipment_id(delivered, 1) if document == SHIPMENT else order_id(delivered)
    assert _bytes(await staged.api.answer(document, COURIER, id=seen)) != _bytes(answers[0])


@pytest.mark.parametrize("field", ["orderUpdated", "orderEvents"])
async def test_a_subscription_reveals_nothing_to_a_stranger(staged: Staged, field: str) -> None:
    document = f"subscription ($id: ID!) {{ {field}(orderId: $id) {{ __typename }} }}"
    answers = []
    for viewer, key in (
        (ANA, order_id(staged.scene.bens)),
        (ANA, f"ord_{UNUSED}"),
        (ANA, "ord_"),
        (COURIER, order_id(staged.scene.amended)),
    ):
        results = await schema.subscribe(document, {"id": key}, staged.api.context(viewer))
        answers.append(_bytes(await anext(results)))
        await results.aclose()
    assert b"NOT_FOUND" in answers[0]
    assert answers == [answers[0]] * len(answers)


async def test_lists_and_counts_contain_nothing_of_strangers(staged: Staged) -> None:
    lists = "{ orders(first: 100) { nodes { id } } shipments(first: 100) { nodes { id order { id } } } }"
    anas, bens = await staged.api.ask(lists, ANA), await staged.api.ask(lists, BEN)
    theirs = order_id(staged.scene.bens)
    assert [order["id"] for order in bens["orders"]["nodes"]] == [theirs]
    assert {shipment["order"]["id"] for shipment in bens["shipments"]["nodes"]} == {theirs}
    assert theirs not in {order["id"] for order in anas["orders"]["nodes"]}
    assert theirs not in {shipment["order"]["id"] for shipment in anas["shipments"]["nodes"]}
    assert len(anas["orders"]["nodes"]) == 6
