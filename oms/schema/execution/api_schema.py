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
from oms.schema.execution.query_guard import BoundedExecution, QueryGuard
from oms.schema.runtime.context import Context
from oms.schema.runtime.errors import MaskedErrors
from oms.schema.runtime.field_permissions import guard, needs_of
from oms.schema.runtime.fields import StrawberryInfo
from oms.schema.runtime.scalars import SCALARS


class ApiSchema(strawberry.Schema):
    """`needs`: by (type, field), the permissions that a viewer needs, as the fields declare."""

    def __init__(self, query: type, mutation: type, subscription: type) -> None:
        """Raises UndeclaredNeeds if a field does not say what it needs."""
        super().__init__(
            query,
            mutation,
            subscription,
            config=StrawberryConfig(scalar_map=SCALARS, info_class=StrawberryInfo),
            execution_context_class=BoundedExecution,
            extensions=[QueryGuard, MaskedErrors],
        )
        self.needs = needs_of(self._schema)
        guard(self._schema, self.needs)
        self.validator = Validator(self._schema)
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
        if isinstance(context_value, Context) and context_value.compiled_queries:
            planned = self._planned(query, operation_name)
            variables = variable_values or {}
            cost = planned.cost_within_limits(context_value, variables) if planned else None
            if planned is not None and cost is not None:
                return await planned.execute(context_value, variables, cost)
        return await super().execute(
            query, variable_values, context_value, root_value, operation_name, allowed_operation_types,
            operation_extensions,
        )  # fmt: skip

    def _planned(self, query: str | None, operation_name: str | None) -> PlannedOperation | None:
        try:
            return self.plans.planned(parsed(query or ""), operation_name)
        except GraphQLError:
            return None  # execution reports it

    def process_errors(self, errors: list[GraphQLError], execution_context: ExecutionContext | None = None) -> None:
        """Logs nothing: oms.schema.runtime.errors logs faults, and refusals are no faults."""
