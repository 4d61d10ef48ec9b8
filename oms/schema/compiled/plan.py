"""A plan for an operation: all that can be known of its execution before it is executed."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import strawberry
from graphql import (
    FieldNode,
    GraphQLObjectType,
    GraphQLOutputType,
    OperationDefinitionNode,
    OperationType,
    TypeNameMetaFieldDef,
    is_abstract_type,
    is_leaf_type,
    is_list_type,
    is_non_null_type,
    is_object_type,
)
from graphql.execution.collect_fields import (
    FieldDetailsList,
    FragmentDetails,
    GroupedFieldSet,
    collect_fields,
    collect_subfields,
)
from graphql.execution.values import VariableValues

from oms.platform.documents import Document
from oms.schema.compiled.inputs import BACKREF, Inputs, Variables
from oms.schema.compiled.leaves import Leaves
from oms.schema.compiled.resolvers import Resolvers
from oms.schema.compiled.uncompiled import Uncompiled
from oms.schema.compiled.values import AnyOf, Field, Kind, ListOf, Selected, Way

_NO_VARIABLES: Final = VariableValues({}, {})
"""Which fields are selected depends on variables by way of directives only."""


@dataclass(frozen=True, slots=True)
class Plan:
    """`definition` is what it was made of. `fields`: how many it has, with fragments written out."""

    definition: OperationDefinitionNode
    variables: Variables
    root: Selected
    fields: int

    @property
    def is_mutation(self) -> bool:
        return self.definition.operation is OperationType.MUTATION


class Compiler:
    """Makes the plan for one operation of a valid document.

    It follows the selected fields as graphql-core does when it executes them, by graphql-core's own rules for which of
    them are merged, but through types instead of values.
    """

    def __init__(self, schema: strawberry.Schema, inputs: Inputs, leaves: Leaves, document: Document,
                 operation: OperationDefinitionNode) -> None:  # fmt: skip
        """Raises Uncompiled."""
        if document.directives or document.introspects or operation.operation is OperationType.SUBSCRIPTION:
            raise Uncompiled("directives, introspection or a subscription")
        self._schema = schema._schema  # noqa: SLF001 - Strawberry has no other way to GraphQL's own
        self._operation = operation
        self._leaves = leaves
        self._fragments = {name: FragmentDetails(fragment) for name, fragment in document.fragments.items()}
        self._variables = Variables(self._schema, inputs, operation.variable_definitions or ())
        self._resolvers = Resolvers(schema, self._variables.types, document.fragments)
        self._most_fields = document.syntax.token_count or 0
        self._fields = 0

    def plan(self) -> Plan:
        """Raises Uncompiled, also where the plan would grow out of proportion to the document."""
        root = self._schema.get_root_type(self._operation.operation)
        if root is None:
            raise Uncompiled("nothing to do it with")
        grouped = collect_fields(self._schema, self._fragments, _NO_VARIABLES, root, self._operation).grouped_field_set
        return Plan(self._operation, self._variables, self._selected(root, grouped, []), self._fields)

    def _selected(self, type_: GraphQLObjectType, grouped: GroupedFieldSet, nodes: Sequence[FieldNode]) -> Selected:
        self._fields += len(grouped)
        if self._fields > self._most_fields:
            raise Uncompiled(f"more than {self._most_fields} fields, with fragments written out")
        fields = [self._field(type_, key, details) for key, details in grouped.items()]
        return Selected(type_, type_.extensions[BACKREF].origin, fields, nodes)

    def _field(self, parent: GraphQLObjectType, key: str, details: FieldDetailsList) -> Field:
        nodes = [each.node for each in details]
        defined = self._schema.get_field(parent, nodes[0].name.value)
        if defined is None:
            raise Uncompiled(f"no field of {parent}: {key}")
        if defined is TypeNameMetaFieldDef:
            told = parent.name
            way = Way(None, lambda _source, _run: told)
        else:
            way = self._resolvers.way(defined, nodes)
        name = f"{parent.name}.{nodes[0].name.value}"
        kind = self._kind(defined.type, name, details, nodes)
        return Field(key, name, nodes, kind, way, required=is_non_null_type(defined.type))

    def _kind(self, type_: GraphQLOutputType, name: str, details: FieldDetailsList, nodes: Sequence[FieldNode]) -> Kind:
        bare = type_.of_type if is_non_null_type(type_) else type_
        if is_list_type(bare):
            entries = self._kind(bare.of_type, name, details, nodes)
            return ListOf(entries, name, nodes, required=is_non_null_type(bare.of_type))
        if is_leaf_type(bare):
            return self._leaves.of(bare)
        if is_object_type(bare):
            return self._object(bare, details, nodes)
        if is_abstract_type(bare):
            possible = self._schema.get_possible_types(bare)
            return AnyOf({each.extensions[BACKREF].origin: self._object(each, details, nodes) for each in possible})
        raise Uncompiled(f"no output type: {bare}")

    def _object(self, type_: GraphQLObjectType, details: FieldDetailsList, nodes: Sequence[FieldNode]) -> Selected:
        grouped = collect_subfields(
            self._schema, self._fragments, _NO_VARIABLES, self._operation, type_, details
        ).grouped_field_set
        return self._selected(type_, grouped, nodes)
