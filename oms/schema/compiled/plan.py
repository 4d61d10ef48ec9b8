"""A plan for an operation: everything about its execution that does not depend on its variables or its caller."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain
from typing import Final

import strawberry
from graphql import (
    FieldNode,
    FragmentDefinitionNode,
    GraphQLObjectType,
    GraphQLOutputType,
    OperationDefinitionNode,
    OperationType,
    SelectionNode,
    SelectionSetNode,
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

from oms.schema.compiled.inputs import BACKREF, Inputs, Variables
from oms.schema.compiled.leaves import Leaves
from oms.schema.compiled.resolvers import Resolvers
from oms.schema.compiled.uncompiled import Uncompiled
from oms.schema.compiled.values import AnyOf, Field, Kind, ListOf, Selected, Source

_NO_VARIABLES: Final = VariableValues({}, {})
"""Without directives, the selected fields do not depend on variables."""


@dataclass(frozen=True, slots=True)
class Plan:
    """`definition`: the operation. `fields`: how many it selects, with fragments written out."""

    definition: OperationDefinitionNode
    variables: Variables
    root: Selected
    fields: int

    @property
    def is_mutation(self) -> bool:
        return self.definition.operation is OperationType.MUTATION


class Compiler:
    """Makes the plan for one operation of a valid document.

    It follows the selected fields as an execution does, with graphql-core's own rules for merging them, but through
    types instead of values.
    """

    def __init__(self, schema: strawberry.Schema, inputs: Inputs, leaves: Leaves,
                 fragments: Mapping[str, FragmentDefinitionNode], operation: OperationDefinitionNode,
                 max_fields: int) -> None:  # fmt: skip
        """`max_fields`: of a plan, with fragments written out. Raises Uncompiled."""
        if operation.operation is OperationType.SUBSCRIPTION or _has_directives(operation, fragments):
            raise Uncompiled("a subscription or directives")
        self._schema = schema._schema  # noqa: SLF001 - Strawberry has no other way to GraphQL's own
        self._operation = operation
        self._leaves = leaves
        self._fragments = {name: FragmentDetails(fragment) for name, fragment in fragments.items()}
        self._variables = Variables(self._schema, inputs, operation.variable_definitions or ())
        self._resolvers = Resolvers(schema, self._variables.types, fragments)
        self._max_fields = max_fields
        self._fields = 0

    def plan(self) -> Plan:
        """Raises Uncompiled, also for more than `max_fields`."""
        root = self._schema.get_root_type(self._operation.operation)
        if root is None:
            raise Uncompiled("a schema without such operations")
        grouped = collect_fields(self._schema, self._fragments, _NO_VARIABLES, root, self._operation).grouped_field_set
        return Plan(self._operation, self._variables, self._selected(root, grouped, []), self._fields)

    def _selected(self, type_: GraphQLObjectType, grouped: GroupedFieldSet, nodes: Sequence[FieldNode]) -> Selected:
        self._fields += len(grouped)
        if self._fields > self._max_fields:
            raise Uncompiled(f"more than {self._max_fields} fields, with fragments written out")
        fields = [self._field(type_, key, details) for key, details in grouped.items()]
        return Selected(type_, type_.extensions[BACKREF].origin, fields, nodes)

    def _field(self, parent: GraphQLObjectType, key: str, details: FieldDetailsList) -> Field:
        nodes = [each.node for each in details]
        defined = self._schema.get_field(parent, nodes[0].name.value)
        if defined is None:
            raise Uncompiled(f"no field of {parent}: {key}")
        if defined is TypeNameMetaFieldDef:
            type_name = parent.name
            source = Source(None, lambda _source, _run: type_name)
        else:
            source = self._resolvers.source(defined, nodes)
        name = f"{parent.name}.{nodes[0].name.value}"
        kind = self._kind(defined.type, name, details, nodes)
        return Field(key, name, nodes, kind, source, required=is_non_null_type(defined.type))

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
        raise Uncompiled(f"not an output type: {bare}")

    def _object(self, type_: GraphQLObjectType, details: FieldDetailsList, nodes: Sequence[FieldNode]) -> Selected:
        grouped = collect_subfields(
            self._schema, self._fragments, _NO_VARIABLES, self._operation, type_, details
        ).grouped_field_set
        return self._selected(type_, grouped, nodes)


def _has_directives(operation: OperationDefinitionNode, fragments: Mapping[str, FragmentDefinitionNode]) -> bool:
    definitions = (operation, *fragments.values())
    selections = chain.from_iterable(_selections(definition.selection_set) for definition in definitions)
    return any(definition.directives for definition in definitions) or any(each.directives for each in selections)


def _selections(selected: SelectionSetNode) -> Iterator[SelectionNode]:
    """At every depth, fragments not written out."""
    pending = [selected]
    while pending:
        for selection in pending.pop().selections:
            yield selection
            within = getattr(selection, "selection_set", None)
            if within:
                pending.append(within)
