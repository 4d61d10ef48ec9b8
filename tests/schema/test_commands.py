"""Mutations: their effects, their payloads, and repeated requests."""

from typing import Any

import pytest
from graphql import GraphQLError

from oms.domain.access.permissions import Viewer
from oms.domain.idempotency.keys import IdempotencyKey, KeyInUse, KeyReused
from oms.schema.schema import schema
from tests.schema.api import ANA, Api, codes
from tests.shop import CART, COURIER, MANAGER, SUPPORT, customer

PLACE = """mutation ($input: PlaceOrderInput!) { placeOrder(input: $input) {
    order { id reference status customer { reference } lines { sku quantity unitPrice { amount currency } }
            shippingAddress { line1 postalCode } }
    userErrors { code message path } } }"""
PLACE_MANY = """mutation ($inputs: [PlaceOrderInput!]!) { placeOrders(inputs: $inputs) {
    results { order { id reference } userErrors { code path } } userErrors { code path } } }"""
ORDER = {"reference": "r", "customerReference": "ana", "lines": [{"sku": "tea", "quantity": 2}]}


@pytest.fixture
async def stocked(api: Api) -> Api:
    await api.shop.stock_up({"tea": {"north": 50}}, price=700)
    return api


async def count(api: Api) -> int:
    return int((await api.shop.rows("SELECT count(*) FROM orders"))[0][0])


async def test_a_placed_order_is_returned(stocked: Api) -> None:
    payload = await stocked.ask(PLACE, CART, input=ORDER | {"shippingAddress": {"line1": "Rua 1", "postalCode": "1"}})
    order = payload["order"]
    assert payload["userErrors"] == []
    assert (order["reference"], order["status"], order["customer"]) == ("r", "PENDING", {"reference": "ana"})
    assert order["lines"] == [{"sku": "tea", "quantity": 2, "unitPrice": {"amount": 700, "currency": "USD"}}]
    assert order["shippingAddress"] == {"line1": "Rua 1", "postalCode": "1"}


async def test_a_service_may_set_a_price_and_zero_is_one(stocked: Api) -> None:
    lines = [{"sku": "tea", "quantity": 2, "unitPrice": 0}]
    payload = await stocked.ask(PLACE, CART, input=ORDER | {"lines": lines})
    assert payload["order"]["lines"][0]["unitPrice"]["amount"] == 0


async def test_the_same_order_again_returns_the_first_and_places_nothing(stocked: Api) -> None:
    first = await stocked.ask(PLACE, CART, input=ORDER)
    again = await stocked.ask(PLACE, CART, input=dict(reversed(ORDER.items())))
    assert again == first
    assert await count(stocked) == 1


async def test_the_order_of_address_fields_and_explicit_nulls_make_no_difference(stocked: Api) -> None:
    one = ORDER | {"shippingAddress": {"city": "Lisbon", "name": "Ana"}}
    other = ORDER | {"shippingAddress": {"name": "Ana", "line2": None, "city": "Lisbon"}, "email": None}
    first = await stocked.ask(PLACE, CART, input=one)
    assert await stocked.ask(PLACE, CART, input=other) == first


async def test_bulk_placing_returns_a_result_per_order_in_the_same_order(stocked: Api) -> None:
    inputs = [
        ORDER | {"reference": "a"},
        ORDER | {"reference": "b", "lines": []},
        ORDER | {"reference": "c"},
        ORDER | {"reference": "a"},
        ORDER | {"reference": "a", "lines": [{"sku": "tea", "quantity": 3}]},
    ]
    payload = await stocked.ask(PLACE_MANY, CART, inputs=inputs)
    results = payload["results"]
    assert payload["userErrors"] == []
    assert [each["order"] and each["order"]["reference"] for each in results] == ["a", None, "c", "a", None]
    assert results[0] == results[3]
    assert results[1]["userErrors"] == [{"code": "INVALID", "path": ["lines"]}]
    assert results[4]["userErrors"] == [{"code": "DUPLICATE", "path": ["reference"]}]
    assert await count(stocked) == 2


async def test_a_thousand_orders_need_few_statements(stocked: Api) -> None:
    inputs = [ORDER | {"reference": f"bulk-{number}"} for number in range(1000)]
    with stocked.statements() as sent:
        payload = await stocked.ask(PLACE_MANY, CART, inputs=inputs)
    assert all(each["order"] and not each["userErrors"] for each in payload["results"])
    assert len(sent) < 25
    assert await count(stocked) == 1000


async def test_an_empty_list_of_orders_gives_an_empty_result(stocked: Api) -> None:
    assert await stocked.ask(PLACE_MANY, CART, inputs=[]) == {"results": [], "userErrors": []}


async def test_without_permission_the_request_is_refused_as_a_whole(stocked: Api) -> None:
    payload = await stocked.ask(PLACE_MANY, MANAGER, inputs=[ORDER])
    assert payload == {"results": [], "userErrors": [{"code": "FORBIDDEN", "path": None}]}


async def test_accepting_continues_without_unavailable_items(api: Api) -> None:
    known = await api.amended()
    document = """mutation ($id: ID!) { acceptAmendedOrder(orderId: $id) {
        order { status actionDeadline lines { unavailableQuantity } } userErrors { code } } }"""
    payload = await api.ask(document, ANA, id=known.id)
    assert payload["order"] == {
        "status": "PROCESSING",
        "actionDeadline": None,
        "lines": [{"unavailableQuantity": 1}],
    }
    assert codes(await api.ask(document, ANA, id=known.id)) == ["CONFLICT"]


async def test_cancelling_ends_the_order_at_once_and_releases_its_stock(api: Api) -> None:
    known = await api.booked()
    document = """mutation ($id: ID!) { cancelOrder(orderId: $id, reason: "Too late") {
        order { status closedAt shipments { status } events(first: 100) { nodes { type reason } } }
        userErrors { code message } } }"""
    payload = await api.ask(document, ANA, id=known.id)
    assert payload["order"]["status"] == "CANCELLED"
    assert [s["status"] for s in payload["order"]["shipments"]] == ["CANCELLED", "CANCELLED"]
    assert {"type": "OrderCancelled", "reason": "Too late"} in payload["order"]["events"]["nodes"]
    assert all(allocated == 0 for _, allocated in (await api.shop.levels()).values())
    assert codes(await api.ask(document, ANA, id=known.id)) == ["CONFLICT"]


async def test_shipments_are_dispatched_then_delivered_each_once_in_that_order(api: Api) -> None:
    known = await api.booked()

    async def act(name: str, number: int = 1) -> Any:
        document = f"""mutation ($id: ID!) {{ {name}(shipmentId: $id) {{
            shipment {{ status dispatchedAt deliveredAt viewerCanDispatch viewerCanDeliver order {{ status }} }}
            userErrors {{ code }} }} }}"""
        return await api.ask(document, COURIER, id=known.shipment(number))

    assert codes(await act("deliverShipment")) == ["CONFLICT"]
    dispatched = await act("dispatchShipment")
    assert dispatched["shipment"]["status"] == "DISPATCHED"
    assert (dispatched["shipment"]["viewerCanDispatch"], dispatched["shipment"]["viewerCanDeliver"]) == (False, True)
    assert codes(await act("dispatchShipment")) == ["CONFLICT"]
    delivered = await act("deliverShipment")
    assert delivered["shipment"]["status"] == "DELIVERED"
    assert delivered["shipment"]["order"]["status"] == "PROCESSING"
    assert codes(await act("deliverShipment")) == ["CONFLICT"]
    await act("dispatchShipment", 2)
    assert (await act("deliverShipment", 2))["shipment"]["order"]["status"] == "COMPLETED"


async def test_each_command_of_a_request_returns_the_state_after_it(api: Api) -> None:
    known = await api.booked()
    answer = "{ shipment { status order { shipments { status } } } userErrors { code } }"
    document = f"""mutation ($id: ID!) {{
        a: dispatchShipment(shipmentId: $id) {answer} b: deliverShipment(shipmentId: $id) {answer} }}"""
    both = await api.ask(document, COURIER, id=known.shipment())
    assert both["a"]["shipment"]["order"]["shipments"][0]["status"] == "DISPATCHED"
    assert both["b"]["shipment"]["order"]["shipments"][0]["status"] == "DELIVERED"


KEY = IdempotencyKey.of("key-1", b"body")


async def test_a_repeated_request_returns_the_subject_of_the_first_as_it_is_now(api: Api) -> None:
    known = await api.booked()
    document = """mutation ($id: ID!) { dispatchShipment(shipmentId: $id) {
        shipment { id status } userErrors { code } } }"""
    first = await api.ask(document, COURIER, KEY, id=known.shipment())
    assert first["shipment"]["status"] == "DISPATCHED"
    await api.shop.deliver(known.key)
    again = await api.ask(document, COURIER, KEY, id=known.shipment())
    assert again == {"shipment": {"id": known.shipment(), "status": "DELIVERED"}, "userErrors": []}
    assert (await api.shop.events(known.key)).count("ShipmentDispatched") == 1


async def test_a_refused_request_is_not_stored(api: Api) -> None:
    known = await api.booked()
    deliver = "mutation ($id: ID!) { deliverShipment(shipmentId: $id) { shipment { status } userErrors { code } } }"
    assert codes(await api.ask(deliver, COURIER, KEY, id=known.shipment())) == ["CONFLICT"]
    await api.shop.dispatch(known.key)
    assert codes(await api.ask(deliver, COURIER, KEY, id=known.shipment())) == []


async def test_a_key_with_another_body_is_refused(stocked: Api) -> None:
    await stocked.ask(PLACE, CART, KEY, input=ORDER)
    result = await stocked.answer(PLACE, CART, IdempotencyKey.of("key-1", b"other"), input=ORDER | {"reference": "s"})
    assert result.errors
    assert isinstance(result.errors[0].original_error, KeyReused)
    assert result.errors[0].extensions == {"code": "DUPLICATE"}
    assert await count(stocked) == 1


async def test_a_key_whose_first_request_is_still_running_is_refused(stocked: Api) -> None:
    from oms.domain.idempotency import store

    async with stocked.shop.db.transaction() as tx:
        assert await store.try_lock(tx, [("SERVICE  cart", "key-1")])
        result = await stocked.answer(PLACE, CART, KEY, input=ORDER)
    assert result.errors
    assert isinstance(result.errors[0].original_error, KeyInUse)
    assert result.errors[0].extensions == {"code": "CONFLICT"}
    assert await count(stocked) == 0


async def test_keys_of_different_callers_are_independent(stocked: Api) -> None:
    one = {"reference": "a", "lines": ORDER["lines"]}
    await stocked.ask(PLACE, ANA, KEY, input=one)
    other = await stocked.ask(PLACE, customer("ben"), KEY, input=one | {"reference": "b"})
    assert other["order"]["reference"] == "b"


async def test_a_repeated_bulk_request_returns_the_same_results(stocked: Api) -> None:
    inputs = [ORDER | {"reference": "a"}, ORDER | {"reference": "b", "lines": [{"sku": "late", "quantity": 1}]}]
    first = await stocked.ask(PLACE_MANY, CART, KEY, inputs=inputs)
    assert [each["order"] is None for each in first["results"]] == [False, True]
    await stocked.shop.stock_up({"late": {"north": 1}})
    assert await stocked.ask(PLACE_MANY, CART, KEY, inputs=inputs) == first
    assert await count(stocked) == 1


async def test_a_bulk_request_that_places_nothing_is_not_stored(stocked: Api) -> None:
    inputs = [ORDER | {"lines": [{"sku": "late", "quantity": 1}]}]
    first = await stocked.ask(PLACE_MANY, CART, KEY, inputs=inputs)
    assert first["results"][0]["userErrors"] == [{"code": "INVALID", "path": ["lines", "0", "sku"]}]
    await stocked.shop.stock_up({"late": {"north": 1}})
    again = await stocked.ask(PLACE_MANY, CART, KEY, inputs=inputs)
    assert again["results"][0]["userErrors"] == []


async def test_a_load_of_the_catalogue_returns_the_number_of_changes(api: Api) -> None:
    products = """mutation { upsertProducts(inputs: [{sku: "a", name: "A", unitPrice: 5, taxBps: 600},
        {sku: "b", name: "B", unitPrice: 7, currency: "EUR"}]) { changed userErrors { code } } }"""
    assert await api.ask(products, MANAGER) == {"changed": 2, "userErrors": []}
    assert await api.ask(products, MANAGER) == {"changed": 0, "userErrors": []}
    found = await api.ask("{ products { nodes { sku unitPrice { amount currency } taxBps } } }")
    assert found["nodes"] == [
        {"sku": "a", "unitPrice": {"amount": 5, "currency": "USD"}, "taxBps": 600},
        {"sku": "b", "unitPrice": {"amount": 7, "currency": "EUR"}, "taxBps": None},
    ]


async def test_stock_is_set_and_read(api: Api) -> None:
    await api.shop.stock_up({"tea": {"south": 1, "north": 4}})
    await api.shop.place({"tea": 3})
    await api.shop.run()
    document = """mutation { setStock(inputs: [{sku: "tea", warehouseCode: "south", onHand: 6, expectedOnHand: 1}]) {
        changed userErrors { code } } }"""
    assert await api.ask(document, CART) == {"changed": 1, "userErrors": []}
    levels = await api.ask('{ stock(sku: "tea") { sku warehouse { code name } onHand allocated available } }')
    assert levels == [
        {"sku": "tea", "warehouse": {"code": "north", "name": "north"}, "onHand": 4, "allocated": 3, "available": 1},
        {"sku": "tea", "warehouse": {"code": "south", "name": "south"}, "onHand": 6, "allocated": 0, "available": 6},
    ]
    assert await api.ask('{ stock(sku: "coal") { onHand } }') == []


async def test_changes_of_fraud_settings_are_logged_with_old_value_new_value_and_actor(api: Api) -> None:
    settings = "fraudSettings { spendingLimit maintenanceMode } userErrors { code }"

    async def act(call: str) -> Any:
        return (await api.ask(f"mutation {{ {call} {{ {settings} }} }}", MANAGER))["fraudSettings"]

    big = 2**53 - 1
    assert await act(f"setSpendingLimit(limit: {big})") == {"spendingLimit": big, "maintenanceMode": False}
    assert await act("setFraudMaintenance(enabled: true)") == {"spendingLimit": big, "maintenanceMode": True}
    assert await act("resetFraudSettings") == {"spendingLimit": 0, "maintenanceMode": False}
    await act('clearSpending(reason: "New year")')
    events = """query ($after: String) { fraudEvents(first: 2, after: $after) {
        nodes { type actor actorRole reason before after } pageInfo { hasNextPage endCursor } } }"""
    trail: list[Any] = []
    after = None
    while True:
        page = await api.ask(events, SUPPORT, after=after)
        trail += page["nodes"]
        after = page["pageInfo"]["endCursor"]
        if not page["pageInfo"]["hasNextPage"]:
            break
    assert [(e["type"], e["before"], e["after"], e["reason"]) for e in trail] == [
        ("SpendingCleared", "1", "2", "New year"),
        ("MaintenanceSwitched", "true", "false", None),
        ("SpendingLimitSet", str(big), "0", None),
        ("MaintenanceSwitched", "false", "true", None),
        ("SpendingLimitSet", "0", str(big), None),
    ]
    assert {(e["actor"], e["actorRole"]) for e in trail} == {("manager", "MANAGER")}


async def test_the_limit_of_a_currency_is_set_apart_from_that_of_the_default(api: Api) -> None:
    await api.shop.stock_up({"saque": {"north": 1}}, currency="BRL")

    async def act(call: str) -> Any:
        fields = "fraudSettings { spendingLimit spendingLimits { currency limit } } userErrors { code reason path }"
        return await api.ask(f"mutation {{ {call} {{ {fields} }} }}", MANAGER)

    assert (await act("setSpendingLimit(limit: 700)"))["fraudSettings"] == {
        "spendingLimit": 700,
        "spendingLimits": [{"currency": "BRL", "limit": 0}, {"currency": "USD", "limit": 700}],
    }
    settings = (await act('setSpendingLimit(limit: 9, currency: "EUR")'))["fraudSettings"]
    assert settings["spendingLimit"] == 700
    limits = {limit["currency"]: limit["limit"] for limit in settings["spendingLimits"]}
    assert limits == {"BRL": 0, "EUR": 9, "USD": 700}
    refused = await act('setSpendingLimit(limit: 9, currency: "euro")')
    assert refused["userErrors"] == [{"code": "INVALID", "reason": "BAD_CURRENCY", "path": ["currency"]}]
    [event] = (await api.ask("{ fraudEvents(first: 1) { nodes { currency before after } } }", SUPPORT))["nodes"]
    assert event == {"currency": "EUR", "before": "0", "after": "9"}


async def test_maintenance_mode_can_be_repeated_and_switched_off_again(api: Api) -> None:
    document = """mutation ($enabled: Boolean!) { setFraudMaintenance(enabled: $enabled) {
        fraudSettings { maintenanceMode } userErrors { code } } }"""
    for enabled in (True, True, False, False, True, False):
        payload = await api.ask(document, MANAGER, enabled=enabled)
        assert payload == {"fraudSettings": {"maintenanceMode": enabled}, "userErrors": []}


async def test_failures_of_a_courier_are_counted_one_by_one_also_within_one_request(api: Api) -> None:
    known = await api.booked()
    fields = " ".join(
        f'f{n}: failShipment(shipmentId: "{known.shipment()}", reason: "Lost") {{ userErrors {{ code }} }}'
        for n in range(9)
    )
    asked: list[Viewer] = []

    async def before(viewer: Viewer) -> None:
        asked.append(viewer)
        if len(asked) > 2:
            raise GraphQLError("Too many.", extensions={"code": "RATE_LIMITED"})

    for viewer in (SUPPORT, COURIER):
        context = api.context(viewer)
        context.before_failing = before
        result = await schema.execute(f"mutation {{ {fields} }}", {}, context)
        assert bool(result.errors) == (viewer is COURIER)
    assert asked == [COURIER] * 3
