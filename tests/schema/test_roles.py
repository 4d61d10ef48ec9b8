"""Which role may do what: every operation of the API, as one table."""

from dataclasses import dataclass, field
from typing import Any

import pytest

from oms.domain.access.permissions import Viewer
from oms.domain.approvals import commands as approvals
from oms.domain.approvals.model import Act, Request
from oms.domain.audit.model import OPERATOR
from oms.domain.identity import account_commands as accounts
from oms.domain.identity.accounts import NewAccount
from oms.domain.vocabulary.actor import Role
from oms.domain.vocabulary.ids import account_id
from oms.schema.schema import schema
from tests.schema.api import VIEWERS, Api, Known, codes
from tests.shop import customer

C, K, M, S, V = Role.CUSTOMER, Role.COURIER, Role.MANAGER, Role.SUPPORT, Role.SERVICE
ALL = frozenset(Role)
NOT_COURIERS = ALL - {K}


@dataclass(frozen=True)
class Rule:
    """An operation, its roles, and variables to try it with; ids replace $order, $shipment and the like."""

    roles: frozenset[Role]
    document: str
    variables: dict[str, Any] = field(default_factory=dict)


def only(*roles: Role) -> frozenset[Role]:
    return frozenset(roles)


ORDER_PAYLOAD = "{ order { id } userErrors { code message path } }"
SHIPMENT_PAYLOAD = "{ shipment { id } userErrors { code message path } }"
FRAUD_PAYLOAD = "{ fraudSettings { updatedAt } userErrors { code message path } }"
PERSON_PAYLOAD = "{ person { login } userErrors { code message path } }"
CATALOG_PAYLOAD = "{ changed userErrors { code message path } }"
NEW_ORDER = {"reference": "new", "lines": [{"sku": "tea", "quantity": 1}]}

QUERIES = {
    "viewer": Rule(ALL, "{ viewer { name role } }"),
    "node": Rule(ALL, "query ($id: ID!) { node(id: $id) { id } }", {"id": "$order"}),
    "order": Rule(ALL, "query ($id: ID!) { order(id: $id) { id } }", {"id": "$order"}),
    "orders": Rule(NOT_COURIERS, "{ orders { nodes { id } } }"),
    "shipment": Rule(ALL, "query ($id: ID!) { shipment(id: $id) { id } }", {"id": "$shipment"}),
    "shipmentOfTrackingNumber": Rule(ALL, '{ shipmentOfTrackingNumber(trackingNumber: "T-1") { id } }'),
    "shipments": Rule(ALL, "{ shipments { nodes { id } } }"),
    "shipmentCounts": Rule(only(K, M, S), "{ shipmentCounts { count } }"),
    "fraudSettings": Rule(only(M, S), "{ fraudSettings { spendingLimit } }"),
    "placingLimits": Rule(only(M, S), "{ placingLimits { unpaidUnits } }"),
    "fraudEvents": Rule(only(M, S), "{ fraudEvents { nodes { type } } }"),
    "auditTrail": Rule(only(M, S), "{ auditTrail { nodes { action } } }"),
    "operations": Rule(only(M, S), "{ operations { completionRate } }"),
    "approvals": Rule(only(M, S), "{ approvals { nodes { id } } }"),
    "orderCount": Rule(only(C, M, S, V), "{ orderCount { count } }"),
    "shopFigures": Rule(
        only(M, S), '{ shopFigures(begin: "2026-01-01T00:00:00Z", end: "2026-01-02T00:00:00Z") { placed } }'
    ),
    "shopSettings": Rule(only(M, S), "{ shopSettings { version now { name } } }"),
    "shopProviders": Rule(only(M, S), "{ shopProviders { mode host } }"),
    "hourlyFigures": Rule(
        only(M, S), '{ hourlyFigures(begin: "2026-01-01T00:00:00Z", end: "2026-01-02T00:00:00Z") { placed } }'
    ),
    "operationsSamples": Rule(
        only(M, S), '{ operationsSamples(begin: "2026-01-01T00:00:00Z", end: "2026-01-02T00:00:00Z") { completed } }'
    ),
    "attention": Rule(only(M, S), "{ attention { cause } }"),
    "people": Rule(only(M), "{ people { nodes { login } } }"),
    "person": Rule(only(M), "query ($id: ID!) { person(id: $id) { login } }", {"id": "$person"}),
    "parkedWork": Rule(only(S), "{ parkedWork { nodes { id } } }"),
    "stock": Rule(only(M, S, V), '{ stock(sku: "tea") { onHand } }'),
    "defaultCurrency": Rule(ALL, "{ defaultCurrency }"),
    "product": Rule(NOT_COURIERS, '{ product(sku: "tea") { name } }'),
    "products": Rule(NOT_COURIERS, "{ products { nodes { sku } } }"),
    "warehouses": Rule(ALL, "{ warehouses { nodes { code } } }"),
    "customer": Rule(NOT_COURIERS, '{ customer(reference: "ana") { reference } }'),
    "checkAddress": Rule(only(C, V), '{ checkAddress(address: { city: "Porto" }) { code } }'),
    "quoteOrder": Rule(
        only(C, V),
        '{ quoteOrder(input: { lines: [{ sku: "tea", quantity: 1 }] }) { userErrors { code } } }',
    ),
    "quotePlacedOrder": Rule(
        only(C, M, S, V),
        "query ($id: ID!) { quotePlacedOrder(orderId: $id) { userErrors { code } } }",
        {"id": "$order"},
    ),
}
MUTATIONS = {
    "placeOrder": Rule(
        only(C, V),
        f"mutation ($input: PlaceOrderInput!) {{ placeOrder(input: $input) {ORDER_PAYLOAD} }}",
        {"input": NEW_ORDER | {"customerReference": "ana"}},
    ),
    "placeOrders": Rule(
        only(C, V),
        "mutation ($inputs: [PlaceOrderInput!]!) { placeOrders(inputs: $inputs) {"
        f" results {ORDER_PAYLOAD} userErrors {{ code message path }} }} }}",
        {"inputs": [NEW_ORDER | {"customerReference": "ana"}]},
    ),
    "acceptAmendedOrder": Rule(
        only(C, V),
        f"mutation ($id: ID!) {{ acceptAmendedOrder(orderId: $id) {ORDER_PAYLOAD} }}",
        {"id": "$amended"},
    ),
    "cancelOrder": Rule(
        NOT_COURIERS, f"mutation ($id: ID!) {{ cancelOrder(orderId: $id) {ORDER_PAYLOAD} }}", {"id": "$order"}
    ),
    "dispatchShipment": Rule(
        only(K), f"mutation ($id: ID!) {{ dispatchShipment(shipmentId: $id) {SHIPMENT_PAYLOAD} }}", {"id": "$shipment"}
    ),
    "deliverShipment": Rule(
        only(K), f"mutation ($id: ID!) {{ deliverShipment(shipmentId: $id) {SHIPMENT_PAYLOAD} }}", {"id": "$on_its_way"}
    ),
    "tryDeliveryAgain": Rule(
        only(K),
        f'mutation ($id: ID!) {{ tryDeliveryAgain(shipmentId: $id, reason: "Out") {SHIPMENT_PAYLOAD} }}',
        {"id": "$on_its_way"},
    ),
    "failShipment": Rule(
        only(K, M, S),
        f'mutation ($id: ID!) {{ failShipment(shipmentId: $id, reason: "Lost") {SHIPMENT_PAYLOAD} }}',
        {"id": "$shipment"},
    ),
    "setSpendingLimit": Rule(only(M), f"mutation {{ setSpendingLimit(limit: 5000) {FRAUD_PAYLOAD} }}"),
    "setFraudMaintenance": Rule(only(M), f"mutation {{ setFraudMaintenance(enabled: true) {FRAUD_PAYLOAD} }}"),
    "resetFraudSettings": Rule(only(M), f"mutation {{ resetFraudSettings {FRAUD_PAYLOAD} }}"),
    "clearSpending": Rule(only(M), f'mutation {{ clearSpending(reason: "New year") {FRAUD_PAYLOAD} }}'),
    "setShopSettings": Rule(
        only(M),
        'mutation { setShopSettings(name: "Harbour") { shopSettings { version } userErrors { code message path } } }',
    ),
    "setShopLogo": Rule(
        only(M), "mutation { setShopLogo { shopSettings { version } userErrors { code message path } } }"
    ),
    "upsertWarehouses": Rule(
        only(M, V),
        f'mutation {{ upsertWarehouses(inputs: [{{code: "new", name: "New"}}]) {CATALOG_PAYLOAD} }}',
    ),
    "upsertProducts": Rule(
        only(M, V),
        f'mutation {{ upsertProducts(inputs: [{{sku: "new", name: "New", unitPrice: 1}}]) {CATALOG_PAYLOAD} }}',
    ),
    "setProductPicture": Rule(
        only(M, V),
        'mutation { setProductPicture(sku: "tea") { product { picture } userErrors { code message path } } }',
    ),
    "setStock": Rule(
        only(M, V),
        f'mutation {{ setStock(inputs: [{{sku: "tea", warehouseCode: "north", onHand: 9}}]) {CATALOG_PAYLOAD} }}',
    ),
    "exportCustomer": Rule(
        only(M),
        "mutation ($of: String!) { exportCustomer(reference: $of) { held userErrors { code message path } } }",
        {"of": "$customer"},
    ),
    "eraseCustomer": Rule(
        only(M),
        'mutation ($of: String!) { eraseCustomer(reference: $of, reason: "Asked for") {'
        " customer { reference } userErrors { code message path } } }",
        {"of": "$customer"},
    ),
    "retryWork": Rule(only(S), f"mutation ($id: ID!) {{ retryWork(workId: $id) {ORDER_PAYLOAD} }}", {"id": "$work"}),
    "giveUpWork": Rule(
        only(S),
        f'mutation ($id: ID!) {{ giveUpWork(workId: $id, reason: "No way") {ORDER_PAYLOAD} }}',
        {"id": "$work"},
    ),
    "addNote": Rule(
        only(M, S),
        'mutation ($id: ID!) { addNote(orderId: $id, text: "Hm") { note { id } userErrors { code message path } } }',
        {"id": "$order"},
    ),
    "addPerson": Rule(only(M), f'mutation {{ addPerson(login: "kim", name: "Kim", role: SUPPORT) {PERSON_PAYLOAD} }}'),
    "changePerson": Rule(
        only(M),
        f'mutation ($id: ID!) {{ changePerson(personId: $id, name: "Kim", role: COURIER) {PERSON_PAYLOAD} }}',
        {"id": "$person"},
    ),
    "setPersonDisabled": Rule(
        only(M),
        f"mutation ($id: ID!) {{ setPersonDisabled(personId: $id, disabled: true) {PERSON_PAYLOAD} }}",
        {"id": "$person"},
    ),
    "endPersonSessions": Rule(
        only(M), f"mutation ($id: ID!) {{ endPersonSessions(personId: $id) {PERSON_PAYLOAD} }}", {"id": "$person"}
    ),
    "resetPassword": Rule(
        only(M), f"mutation ($id: ID!) {{ resetPassword(personId: $id) {PERSON_PAYLOAD} }}", {"id": "$person"}
    ),
    "confirmApproval": Rule(
        only(M, S),
        "mutation ($id: ID!) { confirmApproval(approvalId: $id) { done userErrors { code } } }",
        {"id": "$approval"},
    ),
    "rejectApproval": Rule(
        only(M, S),
        "mutation ($id: ID!) { rejectApproval(approvalId: $id) { done userErrors { code } } }",
        {"id": "$approval"},
    ),
}
OWN_ACCOUNT = {"changePassword", "endSession", "endOtherSessions", "setPreferences"}
"""For everybody who is signed in: tests/domain/identity/test_own_account.py."""

SUBSCRIPTIONS = {
    "orderUpdated": Rule(ALL, "subscription ($id: ID!) { orderUpdated(orderId: $id) { id } }", {"id": "$order"}),
    "orderEvents": Rule(ALL, "subscription ($id: ID!) { orderEvents(orderId: $id) { type } }", {"id": "$order"}),
    "shipmentUpdated": Rule(ALL, "subscription { shipmentUpdated { id } }"),
    "fraudSettingsUpdated": Rule(only(M, S), "subscription { fraudSettingsUpdated { updatedAt } }"),
}


def table(rules: dict[str, Rule]) -> list[Any]:
    return [pytest.param(rule, role, id=f"{name}-{role}") for name, rule in rules.items() for role in Role]


def test_the_table_names_every_operation() -> None:
    types = schema._schema
    for root, rules in ((types.query_type, QUERIES), (types.mutation_type, MUTATIONS)):
        assert root is not None
        assert root.fields.keys() - OWN_ACCOUNT == rules.keys()
    assert types.subscription_type is not None
    assert types.subscription_type.fields.keys() == SUBSCRIPTIONS.keys()


async def filled(api: Api, rule: Rule) -> dict[str, Any]:
    """The rule's variables, with ids of ana's orders."""
    await api.shop.stock_up({"tea": {"north": 5}})
    made: dict[str, Any] = {}
    for name, value in rule.variables.items():
        match value:
            case "$order":
                made[name] = (await api.booked()).id
            case "$shipment":
                made[name] = (await api.booked()).shipment()
            case "$on_its_way":
                known = await api.booked()
                await api.shop.dispatch(known.key)
                made[name] = known.shipment()
            case "$amended":
                made[name] = (await api.amended()).id
            case "$customer":
                made[name] = "cy"
                await api.shop.cancel(await api.shop.place({"tea": 1}, customer="cy"))
            case "$work":
                made[name] = await parked(api)
            case "$person":
                made[name] = await added(api)
            case "$approval":
                made[name] = await requested(api)
            case _:
                made[name] = value
    return made


async def parked(api: Api) -> str:
    """Work that waits for support: the billing of a shipment."""
    await api.shop.stock_up({"tea": {"north": 5}, "mug": {"south": 5}})
    known = Known(await api.shop.place({"tea": 2}))
    await api.shop.run("allocation")
    await api.shop.execute("UPDATE work SET parked_at = clock_timestamp(), last_error = 'no answer'")
    return f"wrk_{known.key.hex}_1_billing"


async def added(api: Api) -> str:
    """Somebody who can sign in."""
    async with api.shop.db.transaction() as tx:
        return account_id((await accounts.add(tx, OPERATOR, NewAccount("lou", "Lou", Role.SUPPORT))).id)


async def requested(api: Api) -> str:
    """A cancellation that waits for a second person."""
    known = await api.booked()
    async with api.shop.db.transaction() as tx:
        await approvals.request(tx, Viewer("kim", Role.SUPPORT), Request(Act.CANCEL_ORDER, known.id, None, 1, "USD"))
    [(key,)] = await api.shop.rows("SELECT id FROM approvals")
    return f"apr_{key.hex}"


@pytest.mark.parametrize(("rule", "role"), table(QUERIES))
async def test_queries(api: Api, rule: Rule, role: Role) -> None:
    variables = await filled(api, rule)
    if role in rule.roles:
        await api.ask(rule.document, VIEWERS[role], **variables)
    else:
        error = await api.refusal(rule.document, VIEWERS[role], **variables)
        assert error.extensions is not None
        assert error.extensions["code"] == "FORBIDDEN"


@pytest.mark.parametrize(("rule", "role"), table(MUTATIONS))
async def test_mutations(api: Api, rule: Rule, role: Role) -> None:
    variables = await filled(api, rule)
    before = await everything(api)
    payload = await api.ask(rule.document, VIEWERS[role], **variables)
    if role in rule.roles:
        assert codes(payload) == []
    else:
        assert codes(payload) == ["FORBIDDEN"]
        assert await everything(api) == before


async def everything(api: Api) -> list[tuple[Any, ...]]:
    """Enough of the data to see that nothing changed."""
    return await api.shop.rows(
        """SELECT (SELECT count(*) FROM order_events), (SELECT count(*) FROM orders), (SELECT count(*) FROM products),
                  (SELECT count(*) FROM warehouses), (SELECT sum(on_hand) FROM stock),
                  (SELECT count(*) FROM work WHERE parked_at IS NULL), (SELECT last_seq FROM fraud_settings),
                  (SELECT array_agg(reference ORDER BY id) FROM customers)"""
    )


@pytest.mark.parametrize(("rule", "role"), table(SUBSCRIPTIONS))
async def test_subscriptions(api: Api, rule: Rule, role: Role) -> None:
    variables = await filled(api, rule)
    results = await schema.subscribe(rule.document, variables, api.context(VIEWERS[role]))
    if rule is SUBSCRIPTIONS["shipmentUpdated"]:
        await results.aclose()
        return
    first = await anext(results)
    await results.aclose()
    if role in rule.roles:
        assert first.errors is None
    else:
        assert first.errors is not None
        assert first.errors[0].extensions is not None
        assert first.errors[0].extensions["code"] == "FORBIDDEN"


BEN = customer("ben")


@pytest.mark.parametrize("name", ["acceptAmendedOrder", "cancelOrder"])
async def test_commands_on_another_customer_s_order_find_nothing(api: Api, name: str) -> None:
    variables = await filled(api, MUTATIONS[name])
    before = await everything(api)
    payload = await api.ask(MUTATIONS[name].document, BEN, **variables)
    assert codes(payload) == ["NOT_FOUND"]
    assert await everything(api) == before


@pytest.mark.parametrize("name", ["node", "order", "shipment", "customer"])
async def test_queries_for_another_customer_s_objects_find_nothing(api: Api, name: str) -> None:
    variables = await filled(api, QUERIES[name])
    assert await api.ask(QUERIES[name].document, BEN, **variables) is None


@pytest.mark.parametrize("name", ["orderUpdated", "orderEvents"])
async def test_subscriptions_to_another_customer_s_order_are_refused(api: Api, name: str) -> None:
    variables = await filled(api, SUBSCRIPTIONS[name])
    results = await schema.subscribe(SUBSCRIPTIONS[name].document, variables, api.context(BEN))
    result = await anext(results)
    await results.aclose()
    assert result.errors is not None
    assert result.errors[0].extensions == {"code": "NOT_FOUND", "reason": "ORDER_NOT_FOUND", "path": ["orderId"]}


async def test_lists_contain_only_what_the_viewer_may_see(api: Api) -> None:
    known = await api.booked()
    orders = "{ orders { nodes { id } } }"
    shipments = "{ shipments { nodes { id } } }"
    assert await api.ask(orders, BEN) == {"nodes": []}
    assert await api.ask(shipments, BEN) == {"nodes": []}
    assert await api.ask(orders, VIEWERS[C]) == {"nodes": [{"id": known.id}]}
    both = {"nodes": [{"id": known.shipment(2)}, {"id": known.shipment(1)}]}
    for role in Role:
        assert await api.ask(shipments, VIEWERS[role]) == both
    await api.shop.fail(known.key, 2)
    assert await api.ask(shipments, VIEWERS[K]) == {"nodes": [{"id": known.shipment(1)}]}
    assert await api.ask(shipments, VIEWERS[C]) == both


async def test_a_courier_sees_the_result_of_their_report(api: Api) -> None:
    known = await api.booked()
    document = """mutation ($id: ID!) { failShipment(shipmentId: $id, reason: "Lost") {
        shipment { id status order { id status shipments { id } } } userErrors { code } } }"""
    payload = await api.ask(document, VIEWERS[K], id=known.shipment(1))
    assert payload["shipment"] == {
        "id": known.shipment(1),
        "status": "FAILED",
        "order": {"id": known.id, "status": "PROCESSING", "shipments": [{"id": known.shipment(2)}]},
    }
    assert await api.ask("query ($id: ID!) { shipment(id: $id) { id } }", VIEWERS[K], id=known.shipment(1)) is None


async def test_a_courier_learns_nothing_of_shipments_that_are_not_booked(api: Api) -> None:
    known = await api.amended()
    document = MUTATIONS["dispatchShipment"].document
    assert codes(await api.ask(document, VIEWERS[K], id=known.shipment())) == ["NOT_FOUND"]
