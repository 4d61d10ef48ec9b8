"""In every part of the API, a token may do only what both its scope and its role allow."""

import pytest

from oms.domain.order.policy import OrderPermission
from oms.domain.placing.policy import PlacingPermission
from oms.schema.schema import schema
from tests.schema.api import codes
from tests.shop import CART, MANAGER, SUPPORT
from tests.system.policy.conftest import Staged
from tests.system.policy.scene import narrowed
from tests.system.policy.type_graph import TYPES, document

ORDERS = "{ orders { nodes { id total { amount } } pageInfo { hasNextPage } } }"
PLACE = """mutation ($input: PlaceOrderInput!) {
  placeOrder(input: $input) { order { id } userErrors { code message } } }"""


async def test_an_operation_outside_its_scope_is_forbidden_and_says_so(staged: Staged) -> None:
    error = await staged.api.refusal(ORDERS, narrowed(CART, OrderPermission.READ_ORDER, OrderPermission.READ_MONEY))
    assert error.extensions == {"code": "FORBIDDEN", "reason": "TOKEN_NOT_ALLOWED"}
    assert error.message == "With this token you can't list orders: it was issued for other operations."


async def test_each_part_of_a_result_needs_its_own_permission(staged: Staged) -> None:
    listing = narrowed(SUPPORT, OrderPermission.READ_ORDERS)
    assert await staged.api.ask("{ orders { pageInfo { hasNextPage } } }", listing) == {
        "pageInfo": {"hasNextPage": False}
    }
    assert (await staged.api.refusal(ORDERS, listing)).path == ["orders", "nodes"]
    reading = await staged.api.ask(ORDERS, narrowed(SUPPORT, OrderPermission.READ_ORDERS, OrderPermission.READ_ORDER))
    assert reading["nodes"]
    assert [order["total"] for order in reading["nodes"]] == [None] * len(reading["nodes"])
    seeing = await staged.api.ask(
        ORDERS, narrowed(SUPPORT, OrderPermission.READ_ORDERS, OrderPermission.READ_ORDER, OrderPermission.READ_MONEY)
    )
    assert any(order["total"] for order in seeing["nodes"])


async def test_without_the_permission_for_prices_it_sees_only_events_without_amounts(staged: Staged) -> None:
    events = f"{{ order{staged.scene.arguments()['order'][0]} {{ events {{ nodes {{ type summary }} }} }} }}"
    order = await staged.api.ask(events, narrowed(CART, OrderPermission.READ_ORDER))
    assert {event["type"] for event in order["events"]["nodes"]} == {
        "ShipmentBooked", "ShipmentDispatched", "DeliveryAttempted", "ShipmentDelivered",
    }  # fmt: skip


@pytest.mark.parametrize("field", [field for field in TYPES["Query"].fields if schema.needs["Query", field]])
async def test_a_token_with_an_empty_scope_may_not_query(staged: Staged, field: str) -> None:
    arguments = staged.scene.arguments().get(field, [""])[0]
    error = await staged.api.refusal(document((("Query", field),), arguments), narrowed(MANAGER))
    assert error.extensions is not None
    assert error.extensions["code"] == "FORBIDDEN"


async def test_a_cart_that_may_only_place_sees_no_more_than_success(staged: Staged) -> None:
    order_input = {"reference": "blind", "customerReference": "ana", "lines": [{"sku": "tea", "quantity": 1}]}
    payload = await staged.api.ask(PLACE, narrowed(CART, PlacingPermission.PLACE_ORDER), input=order_input)
    assert payload == {"order": None, "userErrors": []}
    again = await staged.api.ask(
        PLACE, narrowed(CART, PlacingPermission.PLACE_ORDER, OrderPermission.READ_ORDER), input=order_input
    )
    assert again["order"]
    refused = await staged.api.ask(PLACE, narrowed(CART, OrderPermission.READ_ORDER), input=order_input)
    assert refused["order"] is None
    assert codes(refused) == ["FORBIDDEN"]


async def test_a_price_in_an_order_needs_its_own_permission(staged: Staged) -> None:
    lines = [{"sku": "tea", "quantity": 1, "unitPrice": 1}]
    order_input = {"reference": "cheap", "customerReference": "ana", "lines": lines}
    assert codes(await staged.api.ask(PLACE, narrowed(CART, PlacingPermission.PLACE_ORDER), input=order_input)) == [
        "FORBIDDEN"
    ]
