"""Holds the built schema to what its fields declare: wraps the resolvers whose permissions must be checked.

Most fields need only what the fields above them have checked already: of an order's fields only those on money,
customers and work are checked again. The others stay as they are, and cost nothing.
"""

from collections.abc import Iterator, Mapping
from functools import cache
from typing import Final

from graphql import (
    GraphQLField,
    GraphQLInterfaceType,
    GraphQLNonNull,
    GraphQLObjectType,
    GraphQLSchema,
    GraphQLUnionType,
    get_named_type,
)
from strawberry.types.base import StrawberryObjectDefinition
from strawberry.types.field import StrawberryField

from oms.domain.access.permissions import forbidden, may
from oms.domain.concepts import REGISTRY
from oms.domain.vocabulary.permission import Permission
from oms.schema.compiled.guards import Guard, Guarded
from oms.schema.runtime.context import Context
from oms.schema.runtime.fields import needs_of_field

Needs = Mapping[tuple[str, str], frozenset[Permission]]
"""By (type, field)."""

DEFINITION: Final = "strawberry-definition"


class UndeclaredNeeds(Exception):
    """Fields that do not say which permissions they need; the message says what to add where."""


def needs_of(schema: GraphQLSchema) -> Needs:
    """What each field of the schema needs, as declared. Raises UndeclaredNeeds."""
    needs: dict[tuple[str, str], frozenset[Permission]] = {}
    undeclared = []
    for type_ in _object_types(schema):
        owner: StrawberryObjectDefinition = type_.extensions[DEFINITION]
        for name, field in type_.fields.items():
            declared: StrawberryField = field.extensions[DEFINITION]
            found = needs_of_field(owner, declared)
            if found is None:
                undeclared.append(f"{type_.name}.{name} ({owner.origin.__module__}.{owner.origin.__qualname__})")
            else:
                needs[type_.name, name] = found
    if undeclared:
        raise UndeclaredNeeds(
            "Say which permissions a viewer needs, with needs=… at the field or a default at its"
            f" @object_type: {', '.join(sorted(undeclared))}"
        )
    return needs


def guard(schema: GraphQLSchema, needs: Needs) -> None:
    """Wraps the resolvers of fields that need more than what leads to them.

    Without permission, a nullable field of an object is null and others are FORBIDDEN. Refusals of mutations belong
    into their payloads: see oms.schema.runtime.commands.
    """
    types = list(_object_types(schema))
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


def _granted(
    schema: GraphQLSchema, types: list[GraphQLObjectType], needs: Needs
) -> Mapping[str, frozenset[Permission]]:
    """By type, the permissions that were checked before a viewer gets such an object, whichever way leads there.

    Starts with all permissions for each type but the roots, and removes some until nothing changes any more.
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
    """The object types of a field's values."""
    type_ = get_named_type(field.type)
    if isinstance(type_, GraphQLInterfaceType | GraphQLUnionType):
        return [possible.name for possible in schema.get_possible_types(type_)]
    return [type_.name] if isinstance(type_, GraphQLObjectType) else []


def _wrap(field: GraphQLField, need: Permission, *, is_root: bool) -> None:
    if field.subscribe:
        field.subscribe = Guarded(field.subscribe, guard_of(need), is_silent=False)
    elif field.resolve:
        is_silent = not is_root and not isinstance(field.type, GraphQLNonNull)
        field.resolve = Guarded(field.resolve, guard_of(need), is_silent=is_silent)


class _PermissionGuard:
    """Implements Guard: the viewer has the permission."""

    __slots__ = ("_permission",)

    def __init__(self, permission: Permission) -> None:
        self._permission = permission

    def allows(self, context: Context, /) -> bool:
        return may(context.viewer, self._permission)

    def refusal(self, context: Context) -> Exception:
        return forbidden(context.viewer, self._permission)


@cache
def guard_of(permission: Permission) -> Guard:
    """One object per permission, so that a plan asks it once."""
    return _PermissionGuard(permission)
