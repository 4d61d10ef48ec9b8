"""What is selected below a field, however it is written."""

from typing import Any

import pytest
from graphql import FieldNode, FragmentDefinitionNode, OperationDefinitionNode, parse

from oms.schema.runtime.selection import Below


def below(document: str) -> Below:
    """Of the first root field."""
    definitions = parse(document).definitions
    fragments = {each.name.value: each for each in definitions if isinstance(each, FragmentDefinitionNode)}
    (operation,) = (each for each in definitions if isinstance(each, OperationDefinitionNode))
    fields: list[Any] = [each for each in operation.selection_set.selections if isinstance(each, FieldNode)]
    return Below.of(fields, fragments)


@pytest.mark.parametrize(
    "document",
    [
        "{ order { id lines { name } } }",
        "{ order { number: id lines { name } lines { called: name } } }",
        "{ order { ...A } } fragment A on Order { id ...B } fragment B on Order { lines { ...C } } fragment C on L {name}",  # noqa: E501
        "{ order { ... on Order { id ... { lines { name @skip(if: true) } } } } }",
        "{ order { id } order { lines { name } } }",
    ],
)
def test_the_same_is_found_however_it_is_written(document: str) -> None:
    assert below(document).paths == {"id", "lines", "lines.name"}


def test_arguments_are_those_of_the_first_field_of_a_place() -> None:
    found = below("{ order { early: events(first: 2) { nodes { at } } late: events(first: 3) { nodes { at } } } }")
    assert [(name, value.value) for name, value in found.arguments["events"].items()] == [("first", "2")]  # type: ignore[attr-defined]


def test_fragments_that_spread_fragments_are_not_gone_through_time_and_again() -> None:
    spreads = " ".join(f"fragment F{n} on Order {{ ...F{n + 1} ...F{n + 1} }}" for n in range(40))
    assert below(f"{{ order {{ ...F0 }} }} {spreads} fragment F40 on Order {{ id }}").paths == {"id"}
