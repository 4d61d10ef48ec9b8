"""The schema that the endpoints execute: with permissions, limits, plans and masked errors."""

from collections.abc import Iterable
from typing import Any

import strawberry
from graphql import GraphQLError
from strawberry.schema.config import StrawberryConfig
from strawberry.types.execution import ExecutionContext, ExecutionResult
from strawberry.types.graphql import OperationType

from oms.platform.documents import parsed
from oms.schema.cost.limits import Validator
from oms.schema.execution.plan_cache import PlanCache, PlannedOperation
from oms.schema.execution.query_guard import BoundedExecution, QueryGuard, may_read_schema
from oms.schema.execution.visible import VisibleErrors
from oms.schema.runtime.context import Context
from oms.schema.runtime.descriptions import require_descriptions
from oms.schema.runtime.errors import MaskedErrors, reported
from oms.schema.runtime.field_permissions import guard, needs_of
from oms.schema.runtime.fields import StrawberryInfo
from oms.schema.runtime.scalars import SCALARS


class ApiSchema(strawberry.Schema):
    """`needs`: by (type, field), the permissions that a viewer needs, as the fields declare."""

    def __init__(self, query: type, mutation: type, subscription: type) -> None:
        """Raises UndeclaredNeeds if a field does not say what it needs, Undescribed if a part has no description."""
        super().__init__(
            query,
            mutation,
            subscription,
            config=StrawberryConfig(scalar_map=SCALARS, info_class=StrawberryInfo),
            execution_context_class=BoundedExecution,
            extensions=[QueryGuard, MaskedErrors],
        )
        require_descriptions(self._schema)
        self.needs = needs_of(self._schema)
        guard(self._schema, self.needs)
        self.validator = Validator(self._schema)
        self.visible = VisibleErrors(self._schema, self.needs)
        self.plans = PlanCache(self, self.validator)

    async def execute(
        self,
        query: str | None,
        variable_values: dict[str, Any] | None = None,
        context_value: Any | None = None,
        root_value: Any | None = None,
        operation_name: str | None = None,
        allowed_operation_types: Iterable[OperationType] | None = None,
        operation_extensions: dict[str, Any] | None = None,
    ) -> ExecutionResult:
        """By a plan if the context allows it and there is one; the result is the same: see oms.schema.compiled."""
        result = None
        if isinstance(context_value, Context) and context_value.compiled_queries:
            planned = self._planned(query, operation_name)
            variables = variable_values or {}
            cost = planned.cost_within_limits(context_value, variables) if planned else None
            if planned is not None and cost is not None:
                result = await planned.execute(context_value, variables, cost)
        if result is None:
            result = await super().execute(
                query, variable_values, context_value, root_value, operation_name, allowed_operation_types,
                operation_extensions,
            )  # fmt: skip
        if result.errors and result.data is None and isinstance(context_value, Context):
            result.errors = self._visible_errors(result.errors, query, context_value)
        return result

    def _visible_errors(self, errors: list[GraphQLError], query: str | None, context: Context) -> list[GraphQLError]:
        """Errors in a document or its variables do not tell the types of fields that the viewer may not use."""
        about_document = all(error.nodes and error.path is None for error in errors)
        if not about_document or may_read_schema(context):
            return errors
        visible = self.visible.of(parsed(query or ""), context.viewer.role)
        return [reported(context, error) for error in visible] or errors

    def _planned(self, query: str | None, operation_name: str | None) -> PlannedOperation | None:
        try:
            return self.plans.planned(parsed(query or ""), operation_name)
        except GraphQLError:
            return None  # execution reports it

    def process_errors(self, errors: list[GraphQLError], execution_context: ExecutionContext | None = None) -> None:
        """Logs nothing: oms.schema.runtime.errors logs faults, and refusals are no faults."""
