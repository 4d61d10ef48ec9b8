"""Operations as the API executes them: by a plan where one can be made, and by Strawberry where not."""

from collections.abc import Mapping
from typing import Any
from weakref import WeakKeyDictionary

import strawberry
from graphql import GraphQLError, OperationDefinitionNode
from strawberry.types import ExecutionResult

from oms.platform.documents import Document
from oms.schema.compiled.execution import executed
from oms.schema.compiled.inputs import Inputs
from oms.schema.compiled.leaves import Leaves
from oms.schema.compiled.plan import Compiler, Plan
from oms.schema.compiled.uncompiled import Uncompiled
from oms.schema.cost.cost import MAX_VALUES, MAXIMUM, Limits, Price, count_values
from oms.schema.cost.query_guard import reads_schema_itself, told_cost
from oms.schema.runtime.context import Context
from oms.schema.runtime.errors import told_to


class Planned:
    """An operation that can be executed by its plan."""

    __slots__ = ("_plan", "_price", "_schema")

    def __init__(self, schema: strawberry.Schema, plan: Plan, price: Price) -> None:
        self._schema = schema._schema  # noqa: SLF001 - Strawberry has no other way to GraphQL's own
        self._plan = plan
        self._price = price

    def admitted(self, context: Context, variables: Mapping[str, Any]) -> int | None:
        """What it costs; None where it is to be refused for its size or its cost."""
        role = context.viewer.role
        limit = MAX_VALUES[role]
        if count_values(variables, limit) > limit:
            return None
        cost = self._price.of(variables)
        return cost if cost <= MAXIMUM[role] else None

    async def execute(self, context: Context, variables: Mapping[str, Any], cost: int) -> ExecutionResult:
        data, errors = None, []
        try:
            await context.before_execution(context.viewer, cost)
        except GraphQLError as refusal:
            errors = [refusal]
        else:
            hides_suggestions = not reads_schema_itself(context)
            data, errors = await executed(
                self._plan, self._schema, context, variables, hides_suggestions=hides_suggestions
            )
        told = [told_to(context, error) for error in errors] if errors else None
        return ExecutionResult(data, told, told_cost(context, cost))


class Known:
    """The operations of a schema that can be executed by a plan, as long as their documents are remembered."""

    def __init__(self, schema: strawberry.Schema, limits: Limits) -> None:
        self._schema = schema
        self._limits = limits
        self._inputs = Inputs(schema.config)
        self._leaves = Leaves()
        self._planned: WeakKeyDictionary[Document, dict[str | None, Planned | None]] = WeakKeyDictionary()

    def planned(self, document: Document, name: str | None) -> Planned | None:
        """None where it is for Strawberry to execute, or to refuse."""
        of_document = self._planned.get(document)
        if of_document is None:
            of_document = self._planned[document] = {}
        if name not in of_document:
            operation = document.chosen(name)
            if operation is None:
                return None
            of_document[name] = self._made(document, operation)
        return of_document[name]

    def _made(self, document: Document, operation: OperationDefinitionNode) -> Planned | None:
        if self._limits.errors(document, suggest=False):
            return None
        try:
            plan = Compiler(self._schema, self._inputs, self._leaves, document, operation).plan()
        except Uncompiled:
            return None
        return Planned(self._schema, plan, self._limits.price(document, operation))
