"""Every kind of bad input is refused with code, path and a helpful message, and changes nothing."""

from typing import Any

import pytest

from tests.schema.api import ANA, Api, codes
from tests.shop import CART, MANAGER, SUPPORT

PLACE = """mutation ($input: PlaceOrderInput!) {
    placeOrder(input: $input) { order { id } userErrors { code message path } } }"""
LINE = {"sku": "tea", "quantity": 1}
ORDER = {"reference": "r", "customerReference": "ana", "lines": [LINE]}
NUL, LONE_SURROGATE = "a\x00b", "a\ud800b"

BAD_ORDERS: dict[str, tuple[dict[str, Any], str, list[str]]] = {
    "no lines": ({"lines": []}, "INVALID", ["lines"]),
    "too many lines": ({"lines": [LINE] * 2001}, "INVALID", ["lines"]),
    "quantity zero": ({"lines": [LINE, {"sku": "tea", "quantity": 0}]}, "INVALID", ["lines", "1", "quantity"]),
    "quantity negative": ({"lines": [{"sku": "tea", "quantity": -1}]}, "INVALID", ["lines", "0", "quantity"]),
    "quantity huge": ({"lines": [{"sku": "tea", "quantity": 1_000_001}]}, "INVALID", ["lines", "0", "quantity"]),
    "unknown SKU": ({"lines": [{"sku": "coal", "quantity": 1}]}, "INVALID", ["lines", "0", "sku"]),
    "empty SKU": ({"lines": [{"sku": " ", "quantity": 1}]}, "INVALID", ["lines", "0", "sku"]),
    "SKU too long": ({"lines": [{"sku": "x" * 101, "quantity": 1}]}, "INVALID", ["lines", "0", "sku"]),
    "SKU with NUL": ({"lines": [{"sku": NUL, "quantity": 1}]}, "INVALID", ["lines", "0", "sku"]),
    "negative price": ({"lines": [LINE | {"unitPrice": -1}]}, "INVALID", ["lines", "0", "unitPrice"]),
    "price at 2^53": ({"lines": [LINE | {"unitPrice": 2**53}]}, "INVALID", ["lines", "0", "unitPrice"]),
    "mixed currency": ({"lines": [LINE, {"sku": "sake", "quantity": 1}]}, "INVALID", ["lines", "1", "sku"]),
    "other currency": ({"currency": "EUR"}, "INVALID", ["lines", "0", "sku"]),
    "no currency code": ({"currency": "usd"}, "INVALID", ["currency"]),
    "empty reference": ({"reference": ""}, "INVALID", ["reference"]),
    "blank reference": ({"reference": "  "}, "INVALID", ["reference"]),
    "reference too long": ({"reference": "x" * 101}, "INVALID", ["reference"]),
    "reference with NUL": ({"reference": NUL}, "INVALID", ["reference"]),
    "reference with half a surrogate pair": ({"reference": LONE_SURROGATE}, "INVALID", ["reference"]),
    "no customer": ({"customerReference": None}, "INVALID", ["customerReference"]),
    "customer too long": ({"customerReference": "x" * 101}, "INVALID", ["customerReference"]),
    "e-mail without at": ({"email": "nobody"}, "INVALID", ["email"]),
    "e-mail too long": ({"email": "x" * 250 + "@a.pt"}, "INVALID", ["email"]),
    "payment method with NUL": ({"paymentMethod": NUL}, "INVALID", ["paymentMethod"]),
    "country that is none": ({"shippingAddress": {"country": "XX"}}, "INVALID", ["shippingAddress", "country"]),
    "country by its name": ({"shippingAddress": {"country": "Portugal"}}, "INVALID", ["shippingAddress", "country"]),
    "country in small letters": ({"shippingAddress": {"country": "pt"}}, "INVALID", ["shippingAddress", "country"]),
    "address too long": ({"shippingAddress": {"line1": "x" * 201}}, "INVALID", ["shippingAddress", "line1"]),
    "address with NUL": ({"shippingAddress": {"postalCode": NUL}}, "INVALID", ["shippingAddress", "postalCode"]),
}


async def unchanged(api: Api) -> list[tuple[Any, ...]]:
    return await api.shop.rows(
        """SELECT (SELECT count(*) FROM orders), (SELECT count(*) FROM customers), (SELECT count(*) FROM work),
                  (SELECT count(*) FROM products), (SELECT count(*) FROM warehouses), (SELECT sum(on_hand) FROM stock),
                  (SELECT last_seq FROM fraud_settings), (SELECT count(*) FROM order_events)"""
    )


@pytest.fixture
async def stocked(api: Api) -> Api:
    await api.shop.stock_up({"tea": {"north": 5}})
    await api.shop.stock_up({"sake": {"north": 5}}, currency="JPY")
    return api


@pytest.mark.parametrize(("bad", "code", "path"), BAD_ORDERS.values(), ids=BAD_ORDERS.keys())
async def test_a_bad_order_is_refused(stocked: Api, bad: dict[str, Any], code: str, path: list[str]) -> None:
    before = await unchanged(stocked)
    payload = await stocked.ask(PLACE, CART, input=ORDER | bad)
    assert payload["order"] is None
    assert (payload["userErrors"][0]["code"], payload["userErrors"][0]["path"]) == (code, path)
    assert len(payload["userErrors"][0]["message"]) > 10
    assert await unchanged(stocked) == before


@pytest.mark.parametrize(("bad", "code", "path"), BAD_ORDERS.values(), ids=BAD_ORDERS.keys())
async def test_a_bad_order_does_not_affect_the_others_of_a_request(
    stocked: Api, bad: dict[str, Any], code: str, path: list[str]
) -> None:
    document = """mutation ($inputs: [PlaceOrderInput!]!) { placeOrders(inputs: $inputs) {
        results { order { reference } userErrors { code path } } userErrors { code } } }"""
    good = ORDER | {"reference": "good"}
    payload = await stocked.ask(document, CART, inputs=[ORDER | bad, good])
    assert payload["results"][0]["order"] is None
    assert payload["results"][0]["userErrors"][0] == {"code": code, "path": path}
    assert payload["results"][1] == {"order": {"reference": "good"}, "userErrors": []}


async def test_every_problem_of_an_order_is_reported_at_once(stocked: Api) -> None:
    bad = {"reference": "", "email": "nobody", "lines": [{"sku": "tea", "quantity": 0}, {"sku": "", "quantity": 1}]}
    payload = await stocked.ask(PLACE, CART, input=ORDER | bad)
    paths = [error["path"] for error in payload["userErrors"]]
    assert paths == [["reference"], ["email"], ["lines", "0", "quantity"], ["lines", "1", "sku"]]


async def test_a_customer_orders_for_themself_at_catalogue_prices(stocked: Api) -> None:
    for bad, path in (
        ({"customerReference": "ben"}, ["customerReference"]),
        ({"lines": [LINE | {"unitPrice": 1}]}, ["lines", "0", "unitPrice"]),
    ):
        payload = await stocked.ask(PLACE, ANA, input=ORDER | bad)
        assert (payload["userErrors"][0]["code"], payload["userErrors"][0]["path"]) == ("FORBIDDEN", path)
    own = {name: value for name, value in ORDER.items() if name != "customerReference"}
    payload = await stocked.ask(PLACE, ANA, input=own)
    assert payload["userErrors"] == []


async def test_more_than_a_thousand_orders_at_once_are_refused_as_a_whole(stocked: Api) -> None:
    document = """mutation ($inputs: [PlaceOrderInput!]!) { placeOrders(inputs: $inputs) {
        results { order { id } } userErrors { code path message } } }"""
    before = await unchanged(stocked)
    payload = await stocked.ask(document, CART, inputs=[ORDER | {"reference": str(n)} for n in range(1001)])
    assert payload["results"] == []
    assert [(e["code"], e["path"]) for e in payload["userErrors"]] == [("INVALID", ["inputs"])]
    assert await unchanged(stocked) == before


BAD_COMMANDS: dict[str, tuple[Any, str, str, list[str] | None]] = {
    "cancel: reason too long": (
        SUPPORT,
        'mutation { x: cancelOrder(orderId: "$order", reason: "$long") { userErrors { code path } } }',
        "INVALID",
        ["reason"],
    ),
    "cancel: malformed id": (
        SUPPORT,
        'mutation { x: cancelOrder(orderId: "nonsense") { userErrors { code path } } }',
        "NOT_FOUND",
        ["orderId"],
    ),
    "accept: unknown id": (
        CART,
        f'mutation {{ x: acceptAmendedOrder(orderId: "ord_{"1" * 32}") {{ userErrors {{ code path }} }} }}',
        "NOT_FOUND",
        ["orderId"],
    ),
    "fail: blank reason": (
        SUPPORT,
        'mutation { x: failShipment(shipmentId: "$shipment", reason: " ") { userErrors { code path } } }',
        "INVALID",
        ["reason"],
    ),
    "fail: NUL in the reason": (
        SUPPORT,
        'mutation { x: failShipment(shipmentId: "$shipment", reason: "\\u0000") { userErrors { code path } } }',
        "INVALID",
        ["reason"],
    ),
    "fail: malformed id": (
        SUPPORT,
        'mutation { x: failShipment(shipmentId: "shp_1", reason: "Lost") { userErrors { code path } } }',
        "NOT_FOUND",
        ["shipmentId"],
    ),
    "limit negative": (
        MANAGER,
        "mutation { x: setSpendingLimit(limit: -1) { userErrors { code path } } }",
        "INVALID",
        ["limit"],
    ),
    "clear: blank reason": (
        MANAGER,
        'mutation { x: clearSpending(reason: "") { userErrors { code path } } }',
        "INVALID",
        ["reason"],
    ),
    "warehouse: blank code": (
        MANAGER,
        'mutation { x: upsertWarehouses(inputs: [{code: "", name: "n"}]) { userErrors { code path } } }',
        "INVALID",
        ["inputs", "0", "code"],
    ),
    "warehouse: named twice": (
        MANAGER,
        """mutation { x: upsertWarehouses(inputs: [{code: "a", name: "n"}, {code: "a", name: "m"}]) {
            userErrors { code path } } }""",
        "INVALID",
        ["inputs", "1"],
    ),
    "product: negative price": (
        MANAGER,
        'mutation { x: upsertProducts(inputs: [{sku: "a", name: "n", unitPrice: -1}]) { userErrors { code path } } }',
        "INVALID",
        ["inputs", "0", "unitPrice"],
    ),
    "product: empty currency": (
        MANAGER,
        """mutation { x: upsertProducts(inputs: [{sku: "a", name: "n", unitPrice: 1, currency: ""}]) {
            userErrors { code path } } }""",
        "INVALID",
        ["inputs", "0", "currency"],
    ),
    "product: impossible tax": (
        MANAGER,
        """mutation { x: upsertProducts(inputs: [{sku: "a", name: "n", unitPrice: 1, taxBps: 10001}]) {
            userErrors { code path } } }""",
        "INVALID",
        ["inputs", "0", "taxBps"],
    ),
    "stock: negative": (
        MANAGER,
        """mutation { x: setStock(inputs: [{sku: "tea", warehouseCode: "north", onHand: -1}]) {
            userErrors { code path } } }""",
        "INVALID",
        ["inputs", "0", "onHand"],
    ),
    "stock: unknown SKU": (
        MANAGER,
        """mutation { x: setStock(inputs: [{sku: "coal", warehouseCode: "north", onHand: 1}]) {
            userErrors { code path } } }""",
        "INVALID",
        ["inputs", "0", "sku"],
    ),
    "stock: not as expected": (
        MANAGER,
        """mutation { x: setStock(inputs: [{sku: "tea", warehouseCode: "north", onHand: 9, expectedOnHand: 7}]) {
            userErrors { code path } } }""",
        "CONFLICT",
        ["inputs", "0", "expectedOnHand"],
    ),
    "stock: below what is allocated": (
        MANAGER,
        """mutation { x: setStock(inputs: [{sku: "tea", warehouseCode: "north", onHand: 1}]) {
            userErrors { code path } } }""",
        "CONFLICT",
        ["inputs", "0", "onHand"],
    ),
    "work: malformed id": (
        SUPPORT,
        'mutation { x: retryWork(workId: "wrk_1") { userErrors { code path } } }',
        "NOT_FOUND",
        ["workId"],
    ),
    "work: unknown queue": (
        SUPPORT,
        f'mutation {{ x: giveUpWork(workId: "wrk_{"1" * 32}_1_x", reason: "r") {{ userErrors {{ code path }} }} }}',
        "NOT_FOUND",
        ["workId"],
    ),
}


@pytest.mark.parametrize(("viewer", "document", "code", "path"), BAD_COMMANDS.values(), ids=BAD_COMMANDS.keys())
async def test_a_bad_command_is_refused(api: Api, viewer: Any, document: str, code: str, path: list[str]) -> None:
    known = await api.booked()
    before = await unchanged(api)
    written = document.replace("$order", known.id).replace("$shipment", known.shipment()).replace("$long", "x" * 501)
    payload = await api.ask(written, viewer)
    assert payload["userErrors"] == [{"code": code, "path": path}]
    assert await unchanged(api) == before


LISTS = ("orders", "shipments", "fraudEvents", "parkedWork", "products", "warehouses")
PAGE_INFO = "{ pageInfo { endCursor } }"
BAD_QUERIES: dict[str, tuple[str, str, list[str]]] = {
    **{f"{name}: first {first}": (f"{{ {name}(first: {first}) {PAGE_INFO} }}", "BAD_PAGE_SIZE", ["first"])
       for name in LISTS for first in (0, -1, 101)},
    **{f"{name}: a cursor of nothing": (f'{{ {name}(after: "???") {PAGE_INFO} }}', "BAD_CURSOR", ["after"])
       for name in LISTS},
    **{f"{name}: a cursor of another list": (f'{{ {name}(after: "eA") {PAGE_INFO} }}', "BAD_CURSOR", ["after"])
       for name in ("orders", "shipments", "fraudEvents", "parkedWork")},
    "events: first 0": (
        '{ order(id: "$order") { events(first: 0) { nodes { at } } } }',
        "BAD_PAGE_SIZE",
        ["first"],
    ),
    "events: first 101": (
        '{ order(id: "$order") { events(first: 101) { nodes { at } } } }',
        "BAD_PAGE_SIZE",
        ["first"],
    ),
    "events: bad cursor": (
        '{ order(id: "$order") { events(after: "x") { nodes { at } } } }',
        "BAD_CURSOR",
        ["after"],
    ),
    "events: negative cursor": (
        '{ order(id: "$order") { events(after: "-1") { nodes { at } } } }',
        "BAD_CURSOR",
        ["after"],
    ),
    "events: huge cursor": (
        '{ order(id: "$order") { events(after: "99999999999") { nodes { at } } } }',
        "BAD_CURSOR",
        ["after"],
    ),
    "customer's orders: first 0": (
        '{ customer(reference: "ana") { orders(first: 0) { nodes { id } } } }',
        "BAD_PAGE_SIZE",
        ["first"],
    ),
    "order by nothing": ("{ order { id } }", "GIVE_EXACTLY_ONE", ["id"]),
    "order by both": ('{ order(id: "$order", reference: "r") { id } }', "GIVE_EXACTLY_ONE", ["id"]),
    "order by an overlong reference": ('{ order(reference: "$long") { id } }', "TOO_LONG", ["reference"]),
    "order by a NUL": ('{ order(reference: "\\u0000") { id } }', "UNSUPPORTED_CHARACTER", ["reference"]),
    "order by an empty reference": ('{ order(reference: "") { id } }', "EMPTY", ["reference"]),
    "customer by nothing": ("{ customer { id } }", "GIVE_EXACTLY_ONE", ["id"]),
    "search too long": ('{ orders(search: "$long") { nodes { id } } }', "TOO_LONG", ["search"]),
    "search with NUL": ('{ orders(search: "\\u0000") { nodes { id } } }', "UNSUPPORTED_CHARACTER", ["search"]),
    "warehouse too long": (
        '{ shipments(filter: {warehouseCode: "$long"}) { nodes { id } } }',
        "TOO_LONG",
        ["filter", "warehouseCode"],
    ),
    "warehouse with NUL": (
        '{ shipments(filter: {warehouseCode: "\\u0000"}) { nodes { id } } }',
        "UNSUPPORTED_CHARACTER",
        ["filter", "warehouseCode"],
    ),
    "stock of an overlong SKU": ('{ stock(sku: "$long") { sku } }', "TOO_LONG", ["sku"]),
}  # fmt: skip


@pytest.mark.parametrize(("document", "reason", "path"), BAD_QUERIES.values(), ids=BAD_QUERIES.keys())
async def test_a_bad_query_is_refused(api: Api, document: str, reason: str, path: list[str]) -> None:
    known = await api.booked()
    error = await api.refusal(document.replace("$order", known.id).replace("$long", "x" * 501))
    assert error.extensions == {"code": "INVALID", "reason": reason, "path": path}
    assert len(error.message) > 10


async def test_a_search_with_half_a_surrogate_pair_is_refused(api: Api) -> None:
    error = await api.refusal("query ($s: String) { orders(search: $s) { nodes { id } } }", s=LONE_SURROGATE)
    assert error.extensions == {"code": "INVALID", "reason": "UNSUPPORTED_CHARACTER", "path": ["search"]}


@pytest.mark.parametrize(
    "document",
    [
        "{ nonsense }",
        "{",
        "mutation { setSpendingLimit(limit: 1.5) { userErrors { code } } }",
        "mutation { setSpendingLimit(limit: true) { userErrors { code } } }",
        "mutation { setSpendingLimit(limit: 9007199254740993) { userErrors { code } } }",
        '{ orders(filter: {placedFrom: "yesterday"}) { nodes { id } } }',
        '{ orders(filter: {placedFrom: "2026-11-21T18:50:00"}) { nodes { id } } }',
        '{ orders(filter: {placedFrom: "0001-01-01T00:00:00+14:00"}) { nodes { id } } }',
        "{ orders(filter: {status: [LOST]}) { nodes { id } } }",
        "query ($first: Int!) { orders(first: $first) { nodes { id } } }",
    ],
)
async def test_what_the_schema_does_not_allow_is_invalid(api: Api, document: str) -> None:
    error = await api.refusal(document)
    assert error.extensions == {"code": "INVALID"}


async def test_a_filter_by_a_malformed_customer_id_finds_nothing(api: Api) -> None:
    await api.booked()
    found = await api.ask('{ orders(filter: {customerId: "nonsense"}) { nodes { id } pageInfo { hasNextPage } } }')
    assert found == {"nodes": [], "pageInfo": {"hasNextPage": False}}


async def test_extreme_dates_cause_no_fault(api: Api) -> None:
    known = await api.booked()
    ends = '{placedFrom: "0001-01-01T00:00:00Z", placedTo: "9999-12-31T23:59:59.999999Z"}'
    assert await api.ask(f"{{ orders(filter: {ends}) {{ nodes {{ id }} }} }}") == {"nodes": [{"id": known.id}]}


async def test_a_refused_load_of_the_catalogue_changes_nothing(api: Api) -> None:
    before = await unchanged(api)
    document = """mutation { upsertProducts(inputs: [
        {sku: "good", name: "Good", unitPrice: 1}, {sku: "bad", name: "", unitPrice: -1}]) {
            changed userErrors { code path } } }"""
    payload = await api.ask(document, MANAGER)
    assert payload["changed"] == 0
    assert codes(payload) == ["INVALID", "INVALID"]
    assert await unchanged(api) == before
