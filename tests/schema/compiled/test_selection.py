"""What is selected below a field, in every notation."""

from typing import Any

import pytest
from graphql import FieldNode, FragmentDefinitionNode, OperationDefinitionNode, parse

from oms.schema.compiled.selection import Selection


def selection_of(document: str) -> Selection:
    """That of the first root field."""
    definitions = parse(document).definitions
    fragments = {each.name.value: each for each in definitions if isinstance(each, FragmentDefinitionNode)}
    (operation,) = (each for each in definitions if isinstance(each, OperationDefinitionNode))
    fields: list[Any] = [each for each in operation.selection_set.selections if isinstance(each, FieldNode)]
    return Selection.of(fields, fragments)


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
def test_every_notation_gives_the_same_paths(document: str) -> None:
    assert selection_of(document).paths == {"id", "lines", "lines.name"}


def test_arguments_are_those_of_the_first_field_with_a_path() -> None:
    found = selection_of(
        "{ order { early: events(first: 2) { nodes { at } } late: events(first: 3) { nodes { at } } } }"
    )
    assert [(name, value.value) for name, value in found.arguments["events"].items()] == [("first", "2")]  # type: ignore[attr-defined]


def test_nested_fragments_take_linear_time() -> None:
    spreads = " ".join(f"fragment F{n} on Order {{ ...F{n + 1} ...F{n + 1} }}" for n in range(40))
    assert selection_of(f"{{ order {{ ...F0 }} }} {spreads} fragment F40 on Order {{ id }}").paths == {"id"}
