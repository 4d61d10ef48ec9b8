"""Plans of operations, kept with their documents."""

from collections.abc import Mapping
from typing import Any
from weakref import WeakKeyDictionary

import strawberry
from graphql import GraphQLError, OperationDefinitionNode
from strawberry.types import ExecutionResult

from oms.platform.documents import Document
from oms.schema.compiled.execution import execute
from oms.schema.compiled.inputs import Inputs
from oms.schema.compiled.leaves import Leaves
from oms.schema.compiled.plan import Compiler, Plan
from oms.schema.compiled.run import ResultLimit
from oms.schema.compiled.uncompiled import Uncompiled
from oms.schema.cost import limits
from oms.schema.cost.cost import Price
from oms.schema.cost.limits import MAX_COST, MAX_VARIABLE_VALUES, Validator, count_values
from oms.schema.execution.query_guard import cost_extension, may_read_schema
from oms.schema.runtime.context import Context
from oms.schema.runtime.errors import reported


class PlannedOperation:
    """An operation with a plan."""

    __slots__ = ("_plan", "_price", "_schema")

    def __init__(self, schema: strawberry.Schema, plan: Plan, price: Price) -> None:
        self._schema = schema._schema  # noqa: SLF001 - Strawberry has no public way to GraphQL's own schema
        self._plan = plan
        self._price = price

    def cost_within_limits(self, context: Context, variables: Mapping[str, Any]) -> int | None:
        """The cost; None if the operation exceeds a limit of the viewer's role."""
        role = context.viewer.role
        maximum = MAX_VARIABLE_VALUES[role]
        if count_values(variables, maximum) > maximum:
            return None
        cost = self._price.of(variables)
        return cost if cost <= MAX_COST[role] else None

    async def execute(self, context: Context, variables: Mapping[str, Any], cost: int) -> ExecutionResult:
        data, errors = None, []
        try:
            await context.before_execution(context.viewer, cost)
        except GraphQLError as refusal:
            errors = [refusal]
        else:
            limit = ResultLimit(limits.MAX_RESULT_VALUES[context.viewer.role], limits.too_many_values)
            data, errors = await execute(
                self._plan, self._schema, context, variables, limit, hide_suggestions=not may_read_schema(context)
            )
        reports = [reported(context, error) for error in errors] if errors else None
        return ExecutionResult(data, reports, cost_extension(context, cost))


class PlanCache:
    """The plans of a schema. They live as long as their documents are cached."""

    def __init__(self, schema: strawberry.Schema, validator: Validator) -> None:
        self._schema = schema
        self._validator = validator
        self._inputs = Inputs(schema.config)
        self._leaves = Leaves()
        self._plans: WeakKeyDictionary[Document, dict[str | None, PlannedOperation | None]] = WeakKeyDictionary()

    def planned(self, document: Document, name: str | None) -> PlannedOperation | None:
        """The chosen operation; None if Strawberry executes or refuses it."""
        of_document = self._plans.get(document)
        if of_document is None:
            of_document = self._plans[document] = {}
        if name not in of_document:
            operation = document.chosen(name)
            if operation is None:
                return None
            of_document[name] = self._compiled(document, operation)
        return of_document[name]

    def _compiled(self, document: Document, operation: OperationDefinitionNode) -> PlannedOperation | None:
        if self._validator.errors(document, suggest=False):
            return None
        max_fields = document.syntax.token_count or 0  # a plan must not grow out of proportion to its document
        try:
            plan = Compiler(self._schema, self._inputs, self._leaves, document.fragments, operation, max_fields).plan()
        except Uncompiled:
            return None
        return PlannedOperation(self._schema, plan, self._validator.price(document, operation))
