"""The schema as a role knows it, for telling what is wrong with a document.

A document is executed with the whole schema, which refuses fields or leaves them null. But an error about a field says
which type or which arguments it has, so to those who may not use a field, errors about it say that there is none.
"""

from collections.abc import Iterator
from typing import Final
from weakref import WeakKeyDictionary

from graphql import (
    GraphQLCompositeType,
    GraphQLError,
    GraphQLField,
    GraphQLInputObjectType,
    GraphQLInterfaceType,
    GraphQLNamedType,
    GraphQLObjectType,
    GraphQLSchema,
    GraphQLUnionType,
    get_named_type,
    specified_rules,
    validate,
)
from graphql.validation import OverlappingFieldsCanBeMergedRule

from oms.domain.vocabulary.actor import Role
from oms.platform.documents import Document
from oms.schema.cost.limits import MAX_ERRORS
from oms.schema.runtime.field_permissions import Needs

_RULES: Final = tuple(rule for rule in specified_rules if rule is not OverlappingFieldsCanBeMergedRule)
"""The one left out looks up fields in their types, and would tell those of hidden fields."""


class VisibleErrors:
    """What is wrong with documents for those who know only the visible part of a schema; kept with the documents."""

    def __init__(self, whole: GraphQLSchema, needs: Needs) -> None:
        self._whole = whole
        self._needs = needs
        self._schemas: dict[Role, VisibleSchema] = {}
        self._cache: WeakKeyDictionary[Document, dict[Role, list[GraphQLError]]] = WeakKeyDictionary()

    def of(self, document: Document, role: Role) -> list[GraphQLError]:
        """At most MAX_ERRORS and one; empty if the document uses nothing hidden, or has no such errors."""
        by_role = self._cache.setdefault(document, {})
        if role not in by_role:
            if role not in self._schemas:
                self._schemas[role] = VisibleSchema(self._whole, self._needs, role)
            by_role[role] = validate(self._schemas[role], document.syntax, _RULES, MAX_ERRORS, hide_suggestions=True)
        return by_role[role]


class VisibleSchema(GraphQLSchema):
    """A schema without the fields that a role may not use, and without the types that only they lead to.

    It shares the types of the whole schema.
    """

    def __init__(self, whole: GraphQLSchema, needs: Needs, role: Role) -> None:
        self.__dict__.update(whole.__dict__)
        self._validation_errors = []
        self._hidden = {place for place, needed in needs.items() if any(role not in need.reach for need in needed)}
        self.type_map = self._reachable()

    def get_field(self, parent_type: GraphQLCompositeType, field_name: str) -> GraphQLField | None:
        if (parent_type.name, field_name) in self._hidden:
            return None
        return super().get_field(parent_type, field_name)

    def _reachable(self) -> dict[str, GraphQLNamedType]:
        found = {name: type_ for name, type_ in self.type_map.items() if name.startswith("__")}
        pending: list[GraphQLNamedType] = [
            root for root in (self.query_type, self.mutation_type, self.subscription_type) if root
        ]
        pending += [get_named_type(arg.type) for directive in self.directives for arg in directive.args.values()]
        while pending:
            type_ = pending.pop()
            if type_.name not in found:
                found[type_.name] = type_
                pending += self._types_within(type_)
        return found

    def _types_within(self, type_: GraphQLNamedType) -> Iterator[GraphQLNamedType]:
        if isinstance(type_, GraphQLInputObjectType):
            yield from (get_named_type(field.type) for field in type_.fields.values())
        if isinstance(type_, GraphQLInterfaceType | GraphQLUnionType):
            yield from self.get_possible_types(type_)
        if isinstance(type_, GraphQLInterfaceType | GraphQLObjectType):
            yield from type_.interfaces
            for name in type_.fields:
                if field := self.get_field(type_, name):
                    yield get_named_type(field.type)
                    yield from (get_named_type(arg.type) for arg in field.args.values())
