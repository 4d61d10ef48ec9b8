"""Couriers see neither prices nor customers nor e-mail, on any path through the schema."""

import json
from collections.abc import Iterator
from inspect import isawaitable
from typing import Any, Final

import pytest
from graphql import ExecutionResult, GraphQLInterfaceType, GraphQLObjectType, get_named_type, graphql, parse, subscribe

from oms.domain.access.permissions import Viewer
from oms.domain.vocabulary.ids import order_id, shipment_id
from tests.shop import COURIER, SUPPORT
from tests.system.policy.conftest import Staged
from tests.system.policy.scene import E_MAIL, PRICE_MINOR
from tests.system.policy.type_graph import GRAPH

DEEP: Final = 6
"""Nested types; a courier reaches the same types again after three."""

SECRETS: Final = (E_MAIL, str(PRICE_MINOR), f"{PRICE_MINOR / 100:.2f}", '"ana"', '"ben"', "amount_Money")
"""An e-mail, a price in either form, customers' references, any amount at all."""


def everything_within(type_: Any, depth: int) -> str:
    """A selection of all fields and theirs, to that depth."""
    if isinstance(type_, GraphQLInterfaceType):
        return " ".join(f"... on {each.name} {{ {everything_within(each, depth)} }}" for each in _possible(type_))
    return " ".join(["__typename", *_selected(type_, depth)])


def _selected(type_: GraphQLObjectType, depth: int) -> Iterator[str]:
    for name, field in type_.fields.items():
        inner = get_named_type(field.type)
        alias = f"{name}_{type_.name}"  # fields of one name may have different types in the types of an interface
        if not isinstance(inner, GraphQLObjectType | GraphQLInterfaceType):
            yield f"{alias}: {name}"
        elif depth > 0:
            yield f"{alias}: {name} {{ {everything_within(inner, depth - 1)} }}"


def _possible(type_: GraphQLInterfaceType) -> tuple[GraphQLObjectType, ...]:
    return tuple(GRAPH.get_possible_types(type_))


def query(field: str, arguments: str, depth: int) -> str:
    assert GRAPH.query_type
    inner = everything_within(get_named_type(GRAPH.query_type.fields[field].type), depth)
    return f"{{ {field}{arguments} {{ {inner} }} }}"


async def walked(staged: Staged, viewer: Viewer, depth: int = DEEP) -> str:
    """Everything that the viewer gets, as text. Bypasses the limits, which refuse such documents."""
    shown: list[Any] = []
    fields = {field: [""] for field in GRAPH.query_type.fields} if GRAPH.query_type else {}
    fields.pop("defaultCurrency", None)
    for field, each in (fields | staged.scene.arguments()).items():
        for arguments in each:
            context = staged.api.context(viewer)
            result = await graphql(GRAPH, query(field, arguments, depth), context_value=context)
            shown.append(result.data)
    return json.dumps(shown, default=str)


async def test_no_path_through_the_schema_shows_a_courier_a_price_a_customer_or_an_e_mail(staged: Staged) -> None:
    shown = await walked(staged, COURIER)
    assert [secret for secret in SECRETS if secret in shown] == []
    assert "OrderEvent" in shown
    assert "an address's line1" in shown


async def test_the_same_walk_shows_support_all_of_it(staged: Staged) -> None:
    """So the walk would have shown it to the courier, too."""
    shown = await walked(staged, SUPPORT, depth=3)
    assert [secret for secret in SECRETS if secret not in shown] == []


EVENTS = 'subscription { orderEvents(orderId: "%s") { %s } }'
UPDATES = 'subscription { orderUpdated(orderId: "%s") { %s } }'


@pytest.mark.parametrize(("document", "name"), [(EVENTS, "OrderEvent"), (UPDATES, "Order")])
async def test_subscriptions_of_a_courier_show_no_more(staged: Staged, document: str, name: str) -> None:
    inner = everything_within(GRAPH.type_map[name], 4)
    text = document % (order_id(staged.scene.delivered), inner)
    answer: Any = subscribe(GRAPH, parse(text), context_value=staged.api.context(COURIER))
    results = await answer if isawaitable(answer) else answer
    assert not isinstance(results, ExecutionResult), results.errors
    shown = json.dumps([result.data async for result in results], default=str)
    assert shown != "[]"
    assert [secret for secret in SECRETS if secret in shown] == []


async def test_a_courier_sees_events_since_booking_only(staged: Staged) -> None:
    document = "query ($id: ID!) { shipment(id: $id) { order { events { nodes { type shipment { id } } } } } }"
    first = shipment_id(staged.scene.split, 1)
    shown = await staged.api.ask(document, COURIER, id=first)
    types = [event["type"] for event in shown["order"]["events"]["nodes"]]
    with_the_courier = [
        "DeliveryAttempted",
        "ShipmentBooked",
        "ShipmentBooked",
        "ShipmentDelivered",
        "ShipmentDispatched",
    ]
    assert sorted(types) == with_the_courier
