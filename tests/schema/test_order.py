"""What an order shows, to whom, and with how many statements."""

from typing import Any

import pytest

from oms.domain.access.permissions import Viewer
from tests.schema.api import ANA, Api
from tests.shop import CART, COURIER, MANAGER, SUPPORT, customer

DETAIL = """
query ($id: ID!) { order(id: $id) {
  id reference status placedAt closedAt actionDeadline customer { id reference }
  lines { id sku quantity unavailableQuantity unitPrice { amount currency } }
  shipments {
    id status warehouse { code name } lines { orderLineId sku quantity unitPrice { amount } }
    invoice {
      number subtotal { amount } discount { amount } tax { amount } shipping { amount } total { amount } issuedAt
    }
    payment { status reason charged { amount } refunded { amount } chargedAt }
    courier { code name } trackingNumber bookedAt dispatchedAt deliveredAt updatedAt
    viewerCanDispatch viewerCanDeliver viewerCanFail order { id }
  }
  total { amount currency } shippingAddress { name city postalCode country }
  viewerCanAcceptAmendment viewerCanCancel
  events(first: 10) { nodes { cursor at type actor actorRole reason summary shipment { id } } pageInfo { hasNextPage } }
} }
"""
ADDRESS = {"name": "Ana", "city": "Lisbon", "postalCode": "1000-001", "country": "PT"}


async def test_an_order_shows_everything_about_itself(api: Api) -> None:
    known = await api.booked(shipping_address=ADDRESS)
    order = await api.ask(DETAIL, id=known.id)
    assert order["status"] == "PROCESSING"
    assert order["customer"]["reference"] == "ana"
    assert [(line["sku"], line["quantity"], line["unavailableQuantity"]) for line in order["lines"]] == [
        ("tea", 2, 0),
        ("mug", 1, 0),
    ]
    assert order["shippingAddress"] == ADDRESS
    assert [s["warehouse"]["code"] for s in order["shipments"]] == ["north", "south"]
    for shipment in order["shipments"]:
        invoice = {name: value["amount"] for name, value in shipment["invoice"].items() if isinstance(value, dict)}
        assert invoice["total"] == (invoice["subtotal"] - invoice["discount"] + invoice["tax"] + invoice["shipping"])
        assert shipment["payment"]["status"] == "SUCCEEDED"
        assert shipment["payment"]["charged"]["amount"] == invoice["total"]
        assert shipment["status"] == "BOOKED"
        assert shipment["trackingNumber"]
        assert shipment["order"]["id"] == known.id
    totals = [s["invoice"]["total"]["amount"] for s in order["shipments"]]
    assert order["total"] == {"amount": sum(totals), "currency": "USD"}
    assert [line["orderLineId"] for s in order["shipments"] for line in s["lines"]] == [
        line["id"] for line in order["lines"]
    ]


@pytest.mark.parametrize("viewer", [SUPPORT, ANA, COURIER, CART])
async def test_an_order_in_full_detail_needs_one_statement(api: Api, viewer: Viewer) -> None:
    known = await api.booked()
    with api.statements() as sent:
        order = await api.ask(DETAIL.replace("id sku", "id name sku"), viewer, id=known.id)
    assert [len(shipment["lines"]) for shipment in order["shipments"]] == [1, 1]
    assert len(sent) == 1, sent


async def test_one_statement_also_by_reference_in_a_list_and_by_fragments(api: Api) -> None:
    await api.booked(reference="R-1")
    fragments = """
        fragment Whole on Order { ...Parts lines { id name } events(first: $first) { nodes { seq: cursor } } }
        fragment Parts on Order { total { amount } shipments { ... on Shipment { lines { name } } } }
    """
    for field in ('order(reference: "R-1") { ...Whole }', "orders { edges { node { ...Whole } } }"):
        with api.statements() as sent:
            found = await api.ask(f"query ($first: Int = 3) {{ {field} }} {fragments}")
        (order,) = [edge["node"] for edge in found["edges"]] if "edges" in found else [found]
        assert [event["seq"] for event in order["events"]["nodes"]] == ["1", "2", "3"]
        assert [line["name"] for line in order["lines"]] == ["tea", "mug"]
        assert [[line["name"] for line in each["lines"]] for each in order["shipments"]] == [["tea"], ["mug"]]
        assert order["total"]["amount"] > 0
        assert len(sent) == 1, sent


async def test_several_sections_of_events_in_one_query(api: Api) -> None:
    known = await api.booked()
    document = """query ($id: ID!) { order(id: $id) {
        early: events(first: 2) { nodes { cursor } } late: events(first: 1, after: "3") { nodes { cursor } } } }"""
    order = await api.ask(document, id=known.id)
    assert [event["cursor"] for event in order["early"]["nodes"]] == ["1", "2"]
    assert [event["cursor"] for event in order["late"]["nodes"]] == ["4"]


@pytest.mark.parametrize("arguments", ["first: 0", "first: 101", 'after: "x"'])
async def test_an_invalid_page_of_events_is_refused_and_nothing_else(api: Api, arguments: str) -> None:
    known = await api.booked()
    fields = f"reference total {{ amount }} events({arguments}) {{ nodes {{ at }} }}"
    result = await api.answer(f"query ($id: ID!) {{ order(id: $id) {{ {fields} }} }}", id=known.id)
    assert [error.extensions for error in result.errors or ()] != []
    assert all((error.extensions or {})["code"] == "INVALID" for error in result.errors or ())


async def test_many_orders_need_no_more_statements_than_one(api: Api) -> None:
    await api.shop.stock_up({"tea": {"north": 100}})
    for _ in range(7):
        await api.shop.place({"tea": 1})
    await api.shop.run()
    selection = DETAIL[DETAIL.index("id reference") : DETAIL.rindex("}")]
    with api.statements() as sent:
        orders = await api.ask(f"{{ orders {{ nodes {{ {selection} }} }}")
    assert len(orders["nodes"]) == 7
    assert len(sent) == 1, sent


async def test_a_list_reads_only_what_is_selected(api: Api) -> None:
    await api.booked()
    with api.statements() as sent:
        await api.ask("{ orders { nodes { id status reference customer { reference } } } }")
    assert len(sent) == 1


async def test_many_single_orders_in_one_request_are_read_together(api: Api) -> None:
    ids = [(await api.booked()).id for _ in range(3)]
    fields = " ".join(f'o{place}: order(id: "{key}") {{ id }}' for place, key in enumerate(ids))
    with api.statements() as sent:
        found = await api.ask(f"{{ {fields} }}")
    assert [order["id"] for order in found.values()] == ids
    assert len(sent) == 1


async def test_the_orders_of_many_customers_are_read_together(api: Api) -> None:
    await api.shop.stock_up({"tea": {"north": 100}})
    for number in range(9):
        await api.shop.place({"tea": 1}, customer=f"c-{number % 3}", reference=f"r-{number}")
    document = """{ orders(first: 4) { nodes { customer { reference orders(first: 2) {
        nodes { reference } pageInfo { hasNextPage endCursor } } } } } }"""
    with api.statements() as sent:
        found = (await api.ask(document))["nodes"]
    assert len(sent) == 2
    received = [
        (node["customer"]["reference"], [order["reference"] for order in node["customer"]["orders"]["nodes"]])
        for node in found
    ]
    assert received == [
        ("c-2", ["r-8", "r-5"]),
        ("c-1", ["r-7", "r-4"]),
        ("c-0", ["r-6", "r-3"]),
        ("c-2", ["r-8", "r-5"]),
    ]
    after = found[0]["customer"]["orders"]["pageInfo"]["endCursor"]
    rest = await api.ask(
        """query ($after: String) { customer(reference: "c-2") { orders(after: $after) {
            nodes { reference } pageInfo { hasNextPage hasPreviousPage } } } }""",
        after=after,
    )
    assert rest["orders"] == {
        "nodes": [{"reference": "r-2"}],
        "pageInfo": {"hasNextPage": False, "hasPreviousPage": True},
    }


async def test_before_allocation_unavailable_quantities_and_total_are_null(api: Api) -> None:
    await api.shop.stock_up({"tea": {"north": 1}})
    await api.shop.place({"tea": 2}, reference="early")
    order = await api.ask('{ order(reference: "early") { status total { amount } lines { unavailableQuantity } } }')
    assert order == {"status": "PENDING", "total": None, "lines": [{"unavailableQuantity": None}]}


async def test_an_amended_order_shows_unavailable_quantities_and_its_deadline(api: Api) -> None:
    known = await api.amended()
    order = await api.ask(DETAIL, ANA, id=known.id)
    assert order["status"] == "CUSTOMER_ACTION_REQUIRED"
    assert order["actionDeadline"] is not None
    assert order["lines"][0]["unavailableQuantity"] == 1
    assert (order["viewerCanAcceptAmendment"], order["viewerCanCancel"]) == (True, True)
    assert order["shipments"][0]["payment"]["status"] == "PENDING"
    assert order["shipments"][0]["invoice"] is None
    assert order["total"] is None


@pytest.mark.parametrize(
    ("viewer", "accept", "cancel"),
    [(ANA, True, True), (CART, True, True), (MANAGER, False, True), (SUPPORT, False, True)],
    ids=lambda value: str(getattr(value, "role", value)),
)
async def test_what_a_viewer_can_do_depends_on_the_role(api: Api, viewer: Viewer, accept: bool, cancel: bool) -> None:
    known = await api.amended()
    order = await api.ask(DETAIL, viewer, id=known.id)
    assert (order["viewerCanAcceptAmendment"], order["viewerCanCancel"]) == (accept, cancel)


async def test_with_nothing_available_there_is_nothing_to_accept(api: Api) -> None:
    await api.shop.stock_up({"tea": {"north": 0}})
    await api.shop.place({"tea": 2}, reference="none")
    await api.shop.run()
    order = await api.ask('{ order(reference: "none") { viewerCanAcceptAmendment viewerCanCancel } }', ANA)
    assert order == {"viewerCanAcceptAmendment": False, "viewerCanCancel": True}


async def test_after_the_deadline_nothing_can_be_accepted_even_before_the_timeout_is_recorded(api: Api) -> None:
    known = await api.amended()
    await api.shop.execute("UPDATE orders SET action_deadline = clock_timestamp() - interval '1 second'")
    order = await api.ask(DETAIL, ANA, id=known.id)
    assert order["viewerCanAcceptAmendment"] is False


async def test_a_dispatched_order_can_no_longer_be_cancelled(api: Api) -> None:
    known = await api.booked()
    await api.shop.dispatch(known.key)
    assert (await api.ask(DETAIL, id=known.id))["viewerCanCancel"] is False


async def test_a_courier_sees_addresses_but_no_money_no_customer_and_no_hidden_shipments(api: Api) -> None:
    known = await api.booked(shipping_address=ADDRESS)
    await api.shop.dispatch(known.key, 1)
    await api.shop.fail(known.key, 2)
    order = await api.ask(DETAIL, COURIER, id=known.id)
    assert order["shippingAddress"] == ADDRESS
    assert order["customer"] is None
    assert order["total"] is None
    assert all(line["unitPrice"] is None for line in order["lines"])
    assert [s["id"] for s in order["shipments"]] == [known.shipment(1)]
    shipment = order["shipments"][0]
    assert (shipment["invoice"], shipment["payment"]) == (None, None)
    assert all(line["unitPrice"] is None for line in shipment["lines"])
    able = (shipment["viewerCanDispatch"], shipment["viewerCanDeliver"], shipment["viewerCanFail"])
    assert able == (False, True, True)
    events = order["events"]["nodes"]
    assert [event["type"] for event in events] == ["ShipmentBooked", "ShipmentDispatched"]
    assert {event["shipment"]["id"] for event in events} == {known.shipment(1)}
    assert order["viewerCanCancel"] is False


async def test_a_courier_sees_no_order_before_a_courier_is_booked(api: Api) -> None:
    await api.shop.stock_up({"tea": {"north": 5}})
    await api.shop.place({"tea": 1}, reference="young")
    await api.shop.run("allocation")
    assert await api.ask('{ order(reference: "young") { id } }', COURIER) is None
    await api.shop.run()
    assert await api.ask('{ order(reference: "young") { id } }', COURIER) is not None


async def test_a_charge_in_flight_is_shown_as_pending(api: Api) -> None:
    known = await api.booked()
    await api.shop.execute("UPDATE shipments SET payment_status = 'CHARGING', charged_minor = 0, charged_at = NULL")
    shipments = (await api.ask(DETAIL, id=known.id))["shipments"]
    assert [s["payment"]["status"] for s in shipments] == ["PENDING", "PENDING"]
    assert [s["payment"]["charged"]["amount"] for s in shipments] == [0, 0]


async def test_a_declined_charge_says_why(api: Api) -> None:
    await api.shop.stock_up({"tea": {"north": 5}})
    await api.shop.place({"tea": 1}, reference="poor", payment_method="sandbox-declined")
    await api.shop.run()
    order = await api.ask(
        '{ order(reference: "poor") { status total { amount } shipments { payment { status reason } } } }'
    )
    assert order["status"] == "FAILED"
    assert order["shipments"][0]["payment"] == {"status": "DECLINED", "reason": "CARD_DECLINED"}
    assert order["total"] is None


async def test_a_held_charge_says_what_it_waits_for(api: Api) -> None:
    await api.ask("mutation { setFraudMaintenance(enabled: true) { userErrors { code } } }", MANAGER)
    known = await api.booked()
    order = await api.ask(DETAIL, ANA, id=known.id)
    payments = [(s["payment"]["status"], s["payment"]["reason"]) for s in order["shipments"]]
    assert payments == [("PENDING", "FRAUD_MAINTENANCE")] * 2
    await api.shop.cancel(known.key)
    cancelled = await api.ask(DETAIL, ANA, id=known.id)
    assert [(s["payment"]["status"], s["payment"]["reason"]) for s in cancelled["shipments"]] == [("VOIDED", None)] * 2


async def test_the_total_leaves_out_what_failed(api: Api) -> None:
    known = await api.booked()
    await api.shop.fail(known.key, 2)
    order = await api.ask(DETAIL, id=known.id)
    assert order["total"]["amount"] == order["shipments"][0]["invoice"]["total"]["amount"]


async def test_the_timeline_shows_every_event_with_actor_and_reason_page_by_page(api: Api) -> None:
    known = await api.booked()
    await api.shop.cancel(known.key)
    await api.shop.run()
    document = """query ($id: ID!, $after: String) { order(id: $id) { events(first: 4, after: $after) {
        nodes { cursor type actor actorRole reason summary } pageInfo { hasNextPage hasPreviousPage endCursor } } } }"""
    received: list[dict[str, Any]] = []
    after: str | None = None
    while True:
        page = (await api.ask(document, id=known.id, after=after))["events"]
        assert page["pageInfo"]["hasPreviousPage"] is (after is not None)
        received += page["nodes"]
        after = page["pageInfo"]["endCursor"]
        if not page["pageInfo"]["hasNextPage"]:
            break
    assert [event["type"] for event in received] == await api.shop.events(known.key)
    assert [event["cursor"] for event in received] == [str(number) for number in range(1, len(received) + 1)]
    assert received[0]["actor"] == "cart"
    assert received[0]["actorRole"] == "SERVICE"
    cancelled = next(event for event in received if event["type"] == "OrderCancelled")
    assert (cancelled["actor"], cancelled["actorRole"], cancelled["reason"]) == (
        "support",
        "SUPPORT",
        "Changed my mind",
    )
    assert cancelled["summary"] == "The order was cancelled: Changed my mind."
    assert next(event for event in received if event["type"] == "ItemsAllocated")["actorRole"] is None


async def test_only_support_sees_the_text_of_a_fault(api: Api) -> None:
    known = await api.booked()
    await api.shop.execute(
        """INSERT INTO order_events (order_id, seq, at, type, actor, reason, subject, data)
           VALUES (:id, 1000, clock_timestamp(), 'WorkParked', 'billing', 'Traceback …', 'shipment/1',
                   '{"queue": "billing"}')""",
        id=known.key,
    )
    document = 'query ($id: ID!) { order(id: $id) { events(after: "999") { nodes { reason summary } } } }'
    assert "Traceback" not in str(await api.ask(document, ANA, id=known.id))
    assert "Traceback" in str(await api.ask(document, SUPPORT, id=known.id))


async def test_a_node_is_found_by_its_id_as_far_as_the_viewer_may_see(api: Api) -> None:
    known = await api.booked()
    document = "query ($id: ID!) { node(id: $id) { __typename id } }"
    buyer = (await api.ask(DETAIL, id=known.id))["customer"]["id"]
    for key, kind in ((known.id, "Order"), (known.shipment(2), "Shipment"), (buyer, "Customer")):
        assert await api.ask(document, ANA, id=key) == {"__typename": kind, "id": key}
        assert await api.ask(document, customer("ben"), id=key) is None
    assert await api.ask(document, COURIER, id=buyer) is None


@pytest.mark.parametrize(
    "key",
    [
        "",
        "ord_",
        "ord_1",
        "1",
        "shp_x_1",
        "ord_" + "g" * 32,
        "cus_\x00",
        "ord_" + "0" * 32,
        "shp_" + "0" * 32 + "_0",
        "é",
    ],
)
async def test_a_malformed_id_finds_nothing(api: Api, key: str) -> None:
    for field in ("node", "order", "shipment"):
        assert await api.ask(f"query ($id: ID!) {{ {field}(id: $id) {{ id }} }}", id=key) is None


async def test_a_history_can_be_read_newest_first(api: Api) -> None:
    known = await api.booked()
    document = """query ($id: ID!, $newest: Boolean, $after: String) { order(id: $id) {
        events(first: 2, after: $after, newestFirst: $newest) {
            nodes { cursor } pageInfo { hasNextPage endCursor } } } }"""
    whole = [str(number) for number in range(len(await api.shop.events(known.key)), 0, -1)]
    found: list[str] = []
    after = None
    while True:
        page = (await api.ask(document, id=known.id, newest=True, after=after))["events"]
        found += [event["cursor"] for event in page["nodes"]]
        if not page["pageInfo"]["hasNextPage"]:
            break
        after = page["pageInfo"]["endCursor"]
    assert found == whole
    for newest in (False, None):
        page = (await api.ask(document, id=known.id, newest=newest))["events"]
        assert [event["cursor"] for event in page["nodes"]] == ["1", "2"]
    literal = document.replace("$newest: Boolean, ", "").replace("$newest", "true")
    page = (await api.ask(literal, id=known.id))["events"]
    assert [event["cursor"] for event in page["nodes"]] == whole[:2]
