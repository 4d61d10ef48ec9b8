"""The cost of operations, the limits of each role, and who may introspect the schema."""

import re
from typing import Any

import pytest
from graphql import get_introspection_query

from oms.domain.vocabulary.actor import Role
from oms.platform.documents import parsed
from oms.platform.settings import PROJECT_DIR, Settings
from oms.schema.cost import limits
from oms.schema.cost.limits import MAX_COST, MAX_ERRORS, MAX_VARIABLE_VALUES, Validator
from oms.schema.runtime.reading import reads
from oms.schema.schema import schema
from oms.web.pages.customer import checkout, orders
from oms.web.pages.manager import audit
from oms.web.pages.support import order as support
from tests.schema.api import VIEWERS, Api
from tests.shop import CART, MANAGER, SUPPORT

LIMITS = Validator(schema._schema)

COSTS: dict[str, tuple[str, dict[str, Any], int]] = {
    "a root field asks the database: 10, what it has 1 each": ('{ order(id: "x") { id status } }', {}, 12),
    "__typename is a field": ("{ __typename }", {}, 1),
    "a page counts once for each entry": ("{ orders(first: 3) { nodes { id status } } }", {}, 10 + 1 + 3 * 2),
    "a search costs what it reads, each time": (
        '{ a: products(first: 2, search: "x") { nodes { sku } } b: products(first: 2, search: "y") { nodes { sku } } }',
        {},
        2 * (1_000 + 10 + 1 + 2),
    ),
    "a page as long as the client says in a variable": (
        "query ($n: Int) { orders(first: $n) { nodes { id } } }",
        {"n": 7},
        10 + 1 + 7,
    ),
    "a variable's default": ("query ($n: Int = 5) { orders(first: $n) { nodes { id } } }", {}, 10 + 1 + 5),
    "a page as long as the schema says": ("{ orders { nodes { id } } }", {}, 10 + 1 + 20),
    "null is nothing said": ("query ($n: Int) { orders(first: $n) { nodes { id } } }", {"n": None}, 10 + 1 + 20),
    "null takes the place of a default": (
        "query ($n: Int = 1) { orders(first: $n) { nodes { id } } }",
        {"n": None},
        10 + 1 + 20,
    ),
    "GraphQL takes a whole number with a point for an Int": (
        "query ($n: Int = 1) { orders(first: $n) { nodes { id } } }",
        {"n": 100.0},
        10 + 1 + 100,
    ),
    "never longer than a page may be": ("{ orders(first: 999999) { nodes { id } } }", {}, 10 + 1 + 100),
    "what stands beside the entries counts once": (
        "{ orders(first: 4) { edges { node { id } cursor } pageInfo { endCursor } } }",
        {},
        10 + 1 + 4 * 3 + 2,
    ),
    "a list in a list": ("{ orders(first: 4) { nodes { lines { id sku } } } }", {}, 10 + 1 + 4 * (1 + 10 * 2)),
    "a page in a page": (
        "{ orders(first: 4) { nodes { events(first: 5) { nodes { at } } } } }",
        {},
        10 + 1 + 4 * (10 + 1 + 5),
    ),
    "a bulk answer counts once for each input": (
        "mutation ($i: [PlaceOrderInput!]!) { placeOrders(inputs: $i) { results { order { id } } } }",
        {"i": [{}] * 30},
        10 + 1 + 30 * 2,
    ),
    "aliases are fields": ("{ a: viewer { name } b: viewer { name } }", {}, 2 * 11),
    "fragments cost what they stand for": (
        "{ orders(first: 4) { ...C } } fragment C on OrderConnection { nodes { ...O } } fragment O on Order { id }",
        {},
        10 + 1 + 4,
    ),
    "only the operation that is chosen": ("query A { viewer { name } }", {}, 11),
}


def cost(document: str, variables: dict[str, Any] | None = None) -> int:
    known = parsed(document)
    assert LIMITS.errors(known, suggest=True) == []
    return LIMITS.price(known, known.operations[0]).of(variables)


@pytest.mark.parametrize(("document", "variables", "expected"), COSTS.values(), ids=COSTS.keys())
def test_cost(document: str, variables: dict[str, Any], expected: int) -> None:
    assert cost(document, variables) == expected


def test_the_cost_of_nested_fragments_is_computed_in_linear_time() -> None:
    doubling = " ".join(f"fragment F{n} on Query {{ ...F{n + 1} ...F{n + 1} }}" for n in range(40))
    assert cost(f"{{ ...F0 }} {doubling} fragment F40 on Query {{ viewer {{ name }} }}") == 11 * 2**40


def test_every_page_s_document_costs_little_and_graphiql_s_introspection_fits() -> None:
    for page in (PROJECT_DIR / "templates").rglob("*.graphql"):
        assert cost(page.read_text(), {"first": 100}) < min(MAX_COST.values()) / 4, page
    assert cost(get_introspection_query()) < MAX_COST[Role.SUPPORT] / 4


def test_the_pages_a_person_may_request_in_a_second_fit_the_cost_limit_of_a_second() -> None:
    allowed = {name: Settings.model_fields[f"person_{name}_per_s"].default for name in ("requests", "cost")}
    for page in (PROJECT_DIR / "templates").rglob("*.graphql"):
        length = {"audit": audit.PAGE, "new": checkout.PAGE}.get(page.stem, orders.PAGE)
        sizes = {"first": length, "events": support.EVENTS, "notes": support.NOTES}
        assert cost(page.read_text(), sizes) * allowed["requests"] <= allowed["cost"], page


async def test_a_result_contains_its_cost_and_the_maximum_of_the_role(api: Api) -> None:
    for role, viewer in VIEWERS.items():
        result = await api.answer("{ viewer { name role } }", viewer)
        assert result.extensions == {"cost": {"requested": 12, "maximum": MAX_COST[role]}}


async def test_an_operation_above_the_cost_limit_is_refused_before_execution(api: Api) -> None:
    document = "{ orders(first: 100) { nodes { customer { orders(first: 100) { nodes { lines { sku } } } } } } }"
    with api.statements() as sent:
        result = await api.answer(document)
    assert sent == []
    assert result.data is None
    assert result.errors
    assert result.errors[0].extensions == {"code": "INVALID"}
    assert str(MAX_COST[Role.SUPPORT]) in result.errors[0].message
    assert result.extensions == {"cost": {"requested": cost(document), "maximum": MAX_COST[Role.SUPPORT]}}


ORDERS = "{ orders(first: 100) { nodes { id lines { id sku quantity } } } }"


async def test_a_result_with_too_many_values_is_refused(api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    await api.shop.stock_up({f"MUG-{n}": {"A": 1} for n in range(20)})
    await api.shop.place({f"MUG-{n}": 1 for n in range(20)})
    monkeypatch.setitem(limits.MAX_RESULT_VALUES, Role.SUPPORT, 60)
    assert (await api.refusal(ORDERS)).message.startswith("The result would have more than 60 values.")
    assert (await api.answer(ORDERS.replace("quantity", ""))).errors is None


async def test_lines_are_counted_before_objects_are_made_of_them(api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    await api.shop.stock_up({"MUG": {"A": 9}})
    await api.shop.place({"MUG": 1})
    await api.shop.place({"MUG": 1})
    monkeypatch.setattr(reads, "MAX_LINES", 3)
    assert (await api.answer(ORDERS)).errors is None
    error = await api.refusal("{ orders { nodes { id a: lines { sku } b: lines { sku } } } }")
    assert error.message.startswith("The result would have more than 3 lines.")


async def test_subscriptions_have_the_same_limits(api: Api) -> None:
    document = """subscription { shipmentUpdated { order { customer { orders(first: 100) { nodes {
        events(first: 100) { nodes { shipment { lines { sku } } } } } } } } } }"""
    with pytest.raises(Exception, match="is the most for one operation"):
        await anext(api.watch(document))


async def test_a_thousand_orders_at_once_are_within_the_limit_of_services() -> None:
    document = """mutation ($inputs: [PlaceOrderInput!]!) { placeOrders(inputs: $inputs) { userErrors { code }
        results { order { id reference status placedAt } userErrors { code message path } } } }"""
    assert cost(document, {"inputs": [{}] * 1000}) < MAX_COST[Role.SERVICE] / 2


async def test_too_many_values_in_variables_are_refused_before_coercion(api: Api) -> None:
    document = "mutation ($inputs: [StockInput!]!) { setStock(inputs: $inputs) { changed } }"
    inputs = [{"sku": 1}] * MAX_VARIABLE_VALUES[Role.MANAGER]
    error = await api.refusal(document, MANAGER, inputs=inputs)
    assert error.extensions == {"code": "INVALID"}
    assert str(MAX_VARIABLE_VALUES[Role.MANAGER]) in error.message


async def test_errors_of_a_document_are_limited(api: Api) -> None:
    result = await api.answer("{" + "".join(f" x{n}" for n in range(500)) + "}")
    assert result.errors
    assert len(result.errors) == MAX_ERRORS + 1
    assert all(error.extensions == {"code": "INVALID"} for error in result.errors)


@pytest.mark.parametrize("document", [get_introspection_query(), '{ __type(name: "Order") { name } }'])
@pytest.mark.parametrize("role", Role)
async def test_introspection_is_for_staff(api: Api, role: Role, document: str) -> None:
    result = await api.answer(document, VIEWERS[role])
    if role in (Role.MANAGER, Role.SUPPORT):
        assert not result.errors
    else:
        assert result.errors
        assert result.errors[0].extensions == {"code": "FORBIDDEN"}
        assert result.data is None


async def test_in_the_demo_introspection_is_for_everybody(api: Api) -> None:
    context = api.context(VIEWERS[Role.CUSTOMER])
    context.demo = True
    result = await schema.execute(get_introspection_query(), {}, context)
    assert not result.errors


async def test_typename_is_for_everybody(api: Api) -> None:
    assert await api.ask("{ __typename }", VIEWERS[Role.COURIER]) == "Query"


MISSPELT: dict[str, tuple[str, dict[str, Any]]] = {
    "a field": ("{ viewer { nam } }", {}),
    "an argument": ("{ orders(frist: 1) { nodes { id } } }", {}),
    "a type": ("{ viewer { ... on Viewr { name } } }", {}),
    "an enum in the document": ("{ orders(filter: {status: [PENDIN]}) { nodes { id } } }", {}),
    "an enum in a variable": (
        "query ($s: [OrderStatus!]) { orders(filter: {status: $s}) { nodes { id } } }",
        {"s": ["PENDIN"]},
    ),
    "a variable's field": (
        "query ($f: OrderFilter) { orders(filter: $f) { nodes { id } } }",
        {"f": {"placedFom": "2026-01-01T00:00:00Z"}},
    ),
}


@pytest.mark.parametrize(("document", "variables"), MISSPELT.values(), ids=MISSPELT.keys())
async def test_names_are_suggested_to_staff_only(api: Api, document: str, variables: dict[str, Any]) -> None:
    for_staff = await api.answer(document, SUPPORT, **variables)
    assert "Did you mean" in str(for_staff.errors)
    for_others = await api.answer(document, CART, **variables)
    assert for_others.errors
    assert not re.search("did you mean", str(for_others.errors), re.IGNORECASE)


HIDDEN: dict[str, tuple[str, dict[str, Any]]] = {
    "a field without subfields": ("{ parkedWork }", {}),
    "a field below it": ("{ parkedWork { nodes { queu } } }", {}),
    "an argument": ("{ parkedWork(frist: 1) { nodes { queue } } }", {}),
    "an argument's value": ('{ parkedWork(first: "1") { nodes { queue } } }', {}),
    "a mutation's input": ("mutation { setStock(inputs: [{sku: 1}]) { changed } }", {}),
    "a variable's type": ("mutation ($i: [StockInput!]!) { setStock(input: $i) { changed } }", {"i": []}),
    "a variable's value": ("mutation ($i: [StockInput!]!) { setStock(inputs: $i) { changed } }", {"i": [{"sku": 1}]}),
    "a type": ("{ viewer { ... on StockInput { name } } }", {}),
    "a conflict": ("{ viewer { x: name } parkedWork { x: nodes { queue } x: pageInfo { hasNextPage } } }", {}),
}
"""Documents that are wrong about what a customer may not use."""


@pytest.mark.parametrize(("document", "variables"), HIDDEN.values(), ids=HIDDEN.keys())
async def test_errors_tell_nothing_about_what_the_viewer_may_not_use(
    api: Api, document: str, variables: dict[str, Any]
) -> None:
    result = await api.answer(document, VIEWERS[Role.CUSTOMER], **variables)
    assert result.errors
    for error in result.errors:
        assert error.extensions == {"code": "INVALID"}
        assert re.fullmatch(
            r"Cannot query field '\w+' on type '(Query|Mutation)'\.|Unknown type 'StockInput'\.", error.message
        )


@pytest.mark.parametrize(("document", "variables"), HIDDEN.values(), ids=HIDDEN.keys())
async def test_in_the_demo_they_help(api: Api, document: str, variables: dict[str, Any]) -> None:
    context = api.context(VIEWERS[Role.CUSTOMER])
    context.demo = True
    result = await schema.execute(document, variables, context)
    assert result.errors
    assert not any("Cannot query field 'parkedWork'" in error.message for error in result.errors)


async def test_a_valid_document_about_what_the_viewer_may_not_use_is_forbidden(api: Api) -> None:
    error = await api.refusal("{ parkedWork { nodes { queue } } }", VIEWERS[Role.CUSTOMER])
    assert error.extensions
    assert error.extensions["code"] == "FORBIDDEN"


async def test_errors_about_what_the_viewer_may_use_stay_precise(api: Api) -> None:
    error = await api.refusal("{ orders { nodes { id { x } } } }", VIEWERS[Role.CUSTOMER])
    assert "must not have a selection" in error.message


@pytest.mark.parametrize("role", Role)
async def test_people_get_fewer_values_than_machines(role: Role) -> None:
    page = 2_000 * 8 + 2_000 * 7 + 1_000  # an order of 2,000 lines, all of them shipped, with 50 events
    assert page < limits.MAX_RESULT_VALUES[role] <= limits.MAX_RESULT_VALUES[Role.SERVICE]
