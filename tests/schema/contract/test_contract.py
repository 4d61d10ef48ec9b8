"""The exported schema is a superset of the contract: everything in it, as it is there, and it may have more."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from graphql import (
    GraphQLEnumType,
    GraphQLInputObjectType,
    GraphQLInterfaceType,
    GraphQLObjectType,
    GraphQLSchema,
    build_schema,
    is_required_argument,
    is_required_input_field,
)
from graphql.utilities import find_breaking_changes

from oms.platform.settings import PROJECT_DIR
from oms.schema.schema import sdl

COPY = Path(__file__).with_name("schema.graphql")
ORIGINAL = PROJECT_DIR.parent / "shared" / "contract" / "schema.graphql"

contract = build_schema(COPY.read_text())
exported = build_schema(sdl())
TYPES = sorted(name for name in contract.type_map if not name.startswith("__"))
Described = GraphQLObjectType | GraphQLInterfaceType | GraphQLInputObjectType


@pytest.mark.skipif(not ORIGINAL.exists(), reason="the contract's original is not beside the project")
def test_the_copy_is_the_contract() -> None:
    assert COPY.read_text() == ORIGINAL.read_text()


def test_nothing_breaks_a_client_of_the_contract() -> None:
    assert find_breaking_changes(contract, exported) == []


def test_the_check_for_breaking_changes_sees_them() -> None:
    narrowed = build_schema(COPY.read_text().replace("viewer: Viewer!", "viewer: Viewer"))
    assert find_breaking_changes(contract, narrowed)


@pytest.mark.parametrize("name", TYPES)
def test_every_type_has_all_that_the_contract_gives_it(name: str) -> None:
    agreed, ours = contract.type_map[name], exported.type_map[name]
    assert type(agreed) is type(ours)
    if isinstance(agreed, GraphQLEnumType):
        assert isinstance(ours, GraphQLEnumType)
        assert agreed.values.keys() <= ours.values.keys()
    if isinstance(agreed, GraphQLObjectType | GraphQLInterfaceType | GraphQLInputObjectType):
        assert isinstance(ours, type(agreed))
        assert agreed.fields.keys() <= ours.fields.keys()
    if isinstance(agreed, GraphQLObjectType):
        assert isinstance(ours, GraphQLObjectType)
        assert {each.name for each in agreed.interfaces} <= {each.name for each in ours.interfaces}


def fields_of(schema: GraphQLSchema) -> Iterator[tuple[str, str, Any]]:
    for name in TYPES:
        kind = schema.type_map[name]
        if isinstance(kind, GraphQLObjectType | GraphQLInterfaceType | GraphQLInputObjectType):
            yield from ((name, field, kind.fields[field]) for field in kind.fields)


@pytest.mark.parametrize(("owner", "name", "agreed"), list(fields_of(contract)), ids=lambda value: str(value)[:40])
def test_every_field_has_the_contract_s_type_and_arguments(owner: str, name: str, agreed: Any) -> None:
    kind = exported.type_map[owner]
    assert isinstance(kind, Described)
    ours: Any = kind.fields[name]
    assert str(ours.type) == str(agreed.type)
    for argument, expected in getattr(agreed, "args", {}).items():
        assert str(ours.args[argument].type) == str(expected.type)
        assert ours.args[argument].default_value == expected.default_value or str(expected.default_value) == "Undefined"


def test_what_the_contract_does_not_have_is_never_required_of_a_client() -> None:
    required = []
    for owner, name, ours in fields_of(exported):
        kind = contract.type_map[owner]
        agreed: Any = getattr(kind, "fields", {}).get(name)
        if agreed is None and isinstance(kind, GraphQLInputObjectType) and is_required_input_field(ours):
            required.append(f"{owner}.{name}")
        for argument, each in getattr(ours, "args", {}).items():
            if agreed is not None and argument not in agreed.args and is_required_argument(each):
                required.append(f"{owner}.{name}({argument})")
    assert required == []


@pytest.mark.parametrize("name", TYPES)
def test_descriptions_that_explain_are_the_contract_s(name: str) -> None:
    agreed, ours = contract.type_map[name], exported.type_map[name]
    if agreed.description:
        assert ours.description == agreed.description
    for members in ("fields", "values"):
        for member, described in getattr(agreed, members, {}).items():
            if described.description:
                assert getattr(ours, members)[member].description == described.description, f"{name}.{member}"
