"""Holds the schema to the table of what is visible: once, when it is built, by wrapping what needs it.

Most fields need what somebody was allowed already who got there: of an order's fields only those on money, customers
and work are asked about again. Those are left as they are, and cost nothing.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from graphql import (
    GraphQLField,
    GraphQLInterfaceType,
    GraphQLNonNull,
    GraphQLObjectType,
    GraphQLResolveInfo,
    GraphQLSchema,
    GraphQLUnionType,
    get_named_type,
)

from oms.domain.access.permissions import may, require
from oms.domain.concepts import REGISTRY
from oms.domain.vocabulary.permission import Permission

Resolve = Callable[..., Any]
Needs = Mapping[tuple[str, str], frozenset[Permission]]


class NobodyMaySee(Exception):
    """The schema and the table of what is visible are not about the same fields."""


def guard(schema: GraphQLSchema, needs: Needs) -> None:
    """Wraps the fields that need more than what leads to them. Raises NobodyMaySee.

    Who may not see it gets null for a nullable field of an object, and FORBIDDEN for others. A mutation's refusal
    belongs into its payload: see oms.schema.runtime.commands.
    """
    types = list(_object_types(schema))
    _require_same_fields(types, needs)
    granted = _granted(schema, types, needs)
    for type_ in types:
        for name, field in type_.fields.items():
            if type_ is not schema.mutation_type:
                for need in sorted(needs[type_.name, name] - granted[type_.name], key=lambda need: need.name):
                    _wrap(field, need, is_root=type_ in (schema.query_type, schema.subscription_type))


def _object_types(schema: GraphQLSchema) -> Iterator[GraphQLObjectType]:
    for name, type_ in schema.type_map.items():
        if isinstance(type_, GraphQLObjectType) and not name.startswith("__"):
            yield type_


def _require_same_fields(types: list[GraphQLObjectType], needs: Needs) -> None:
    there = {(type_.name, field) for type_ in types for field in type_.fields}
    unsaid = sorted(".".join(field) for field in there - needs.keys())
    gone = sorted(".".join(field) for field in needs.keys() - there)
    if unsaid:
        raise NobodyMaySee(f"oms/schema/runtime/visibility.py does not say who may see: {', '.join(unsaid)}")
    if gone:
        raise NobodyMaySee(
            f"oms/schema/runtime/visibility.py is about what the schema does not have: {', '.join(gone)}"
        )


def _granted(
    schema: GraphQLSchema, types: list[GraphQLObjectType], needs: Needs
) -> Mapping[str, frozenset[Permission]]:
    """By type, the operations that whoever holds one of its objects was allowed: on every way that leads there.

    Begins with all of them for each type but the roots, and takes away until nothing changes any more.
    """
    roots = {root.name for root in (schema.query_type, schema.mutation_type, schema.subscription_type) if root}
    granted = {type_.name: frozenset(() if type_.name in roots else REGISTRY.permissions.values()) for type_ in types}
    before: dict[str, frozenset[Permission]] = {}
    while granted != before:
        before = dict(granted)
        for type_ in types:
            for name, field in type_.fields.items():
                for target in _targets(schema, field):
                    granted[target] &= granted[type_.name] | needs[type_.name, name]
    return granted


def _targets(schema: GraphQLSchema, field: GraphQLField) -> list[str]:
    """The object types that a field may lead to."""
    type_ = get_named_type(field.type)
    if isinstance(type_, GraphQLInterfaceType | GraphQLUnionType):
        return [possible.name for possible in schema.get_possible_types(type_)]
    return [type_.name] if isinstance(type_, GraphQLObjectType) else []


def _wrap(field: GraphQLField, need: Permission, *, is_root: bool) -> None:
    if field.subscribe:
        field.subscribe = Guarded(field.subscribe, need, is_silent=False)
    elif field.resolve:
        is_silent = not is_root and not isinstance(field.type, GraphQLNonNull)
        field.resolve = Guarded(field.resolve, need, is_silent=is_silent)


@dataclass(frozen=True, slots=True)
class Guarded:
    """A resolver that is asked only if the viewer may. `is_silent`: else the field is null, and not refused."""

    resolve: Resolve
    need: Permission
    is_silent: bool

    def __call__(self, source: Any, info: GraphQLResolveInfo[Any], **arguments: Any) -> Any:
        viewer = info.context.viewer
        if self.is_silent and not may(viewer, self.need):
            return None
        require(viewer, self.need)
        return self.resolve(source, info, **arguments)
