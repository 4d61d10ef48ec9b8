"""Every part of the exported schema is documented, and the documentation says more than the names do."""

import re

import pytest
from graphql import GraphQLEnumType, build_schema, specified_scalar_types

from oms.schema.runtime.descriptions import Undescribed, described_parts, require_descriptions
from oms.schema.schema import sdl

exported = build_schema(sdl())
PARTS = {name: text for name, text in described_parts(exported) if name not in specified_scalar_types}
FIELD_NAMES = {name.partition(".")[2] for name in PARTS}
EMPTY_WORDS = {"the", "a", "an", "of", "its", "it", "this", "is", "in", "and", "or"}


def words(text: str) -> set[str]:
    """In lower case: shippingAddress, SHIPPING_ADDRESS and "Shipping address." are the same."""
    return set(re.sub(r"(?<=[a-z])(?=[A-Z])|[^A-Za-z0-9]", " ", text).lower().split())


def test_the_walk_reaches_every_kind_of_part() -> None:
    assert {"Order", "Order.events", "Order.events(first)", "OrderStatus.PENDING", "OrderFilter.status"} <= PARTS.keys()
    assert {"DateTime", "Node.id", "Mutation.placeOrder(input)", "Subscription.orderEvents(after)"} <= PARTS.keys()
    assert not any(name.startswith("__") for name in PARTS)


def test_every_type_field_argument_input_and_value_is_described() -> None:
    assert [name for name, description in PARTS.items() if not description] == []


@pytest.mark.parametrize("name", PARTS)
def test_a_description_is_a_short_text_that_says_more_than_the_name(name: str) -> None:
    description = PARTS[name] or ""
    own = name.rpartition("(")[2].rpartition(".")[2]
    assert not description[:1].islower() or description.split()[0] in FIELD_NAMES
    assert description.endswith((".", "…"))
    assert words(description) - words(own) - EMPTY_WORDS, f"{name}: {description}"
    assert "`" not in description, "GraphQL's readers see no Markdown"


def test_values_of_enums_are_in_capitals() -> None:
    for kind in exported.type_map.values():
        if isinstance(kind, GraphQLEnumType) and not kind.name.startswith("__"):
            assert [value for value in kind.values if not re.fullmatch(r"[A-Z][A-Z0-9]*(_[A-Z0-9]+)*", value)] == []


@pytest.mark.parametrize(
    ("bare", "missing"),
    [
        ('type Query { "X." a("X." b: Int): Int }', "Query"),
        ('"X." type Query { a: Int }', "Query.a"),
        ('"X." type Query { "X." a(b: Int): Int }', r"Query.a\(b\)"),
        ('"X." type Query { "X." a("X." b: I): Int } "X." input I { c: Int }', "I.c"),
        ('"X." type Query { "X." a: E } "X." enum E { "X." P Q }', "E.Q"),
    ],
)
def test_a_schema_with_a_bare_part_is_not_built(bare: str, missing: str) -> None:
    with pytest.raises(Undescribed, match=rf"^Describe these .* argument\(…\)\].* in described\(\): {missing}$"):
        require_descriptions(build_schema(bare))
