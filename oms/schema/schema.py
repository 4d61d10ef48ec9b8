"""The schema as a whole: what the doors execute, and its text."""

from collections.abc import Iterable
from typing import Any, Final

import strawberry
from graphql import GraphQLError
from strawberry.schema.config import StrawberryConfig
from strawberry.types.execution import ExecutionContext, ExecutionResult
from strawberry.types.graphql import OperationType

from oms.platform.documents import parsed
from oms.schema.audit import AuditQueries
from oms.schema.catalog import CatalogMutations, CatalogQueries
from oms.schema.cost.cost import Limits
from oms.schema.cost.query_guard import Admission, BoundedExecution
from oms.schema.customers import CustomerMutations, CustomerQueries
from oms.schema.fraud import FraudMutations, FraudQueries
from oms.schema.fulfilment import ShipmentMutations
from oms.schema.identity import AccountMutations
from oms.schema.order import OrderQueries
from oms.schema.parked import OperationsMutations, OperationsQueries
from oms.schema.placing import OrderMutations
from oms.schema.runtime.context import Context
from oms.schema.runtime.errors import ToldErrors
from oms.schema.runtime.field_permissions import guard
from oms.schema.runtime.plan_cache import Known, Planned
from oms.schema.runtime.scalars import SCALARS
from oms.schema.runtime.visibility import NEEDS
from oms.schema.shipments import ShipmentQueries
from oms.schema.subscriptions import Subscription
from oms.schema.viewer import NodeQueries


@strawberry.type
class Query(
    NodeQueries,
    OrderQueries,
    ShipmentQueries,
    FraudQueries,
    OperationsQueries,
    CatalogQueries,
    CustomerQueries,
    AuditQueries,
):
    """Reading."""


@strawberry.type(
    description=(
        "A request with one root mutation field may carry an Idempotency-Key header: repeated by the same caller with"
        " the same body\nit answers for the same effect again (its subject as it now is) and does nothing more; with"
        " another body it is refused with\nHTTP 422, while the first is still running with 409. Refused requests are"
        " not remembered."
    )
)
class Mutation(
    OrderMutations,
    ShipmentMutations,
    FraudMutations,
    CatalogMutations,
    OperationsMutations,
    AccountMutations,
    CustomerMutations,
):
    """Doing."""


class ApiSchema(strawberry.Schema):
    """Held to the table of what is visible. Faults are logged where they are masked, and refusals are no faults."""

    def __init__(self, *args: Any, **options: Any) -> None:
        """Raises NobodyMaySee where a field has no entry in that table."""
        super().__init__(*args, **options)
        guard(self._schema, NEEDS)
        self.limits = Limits(self._schema)
        self._known = Known(self, self.limits)

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
        """By a plan where there is one, which answers as Strawberry would: see oms.schema.compiled."""
        planned = self._planned(query, operation_name)
        if planned is not None and isinstance(context_value, Context):
            variables = variable_values or {}
            cost = planned.admitted(context_value, variables)
            if cost is not None:
                return await planned.execute(context_value, variables, cost)
        return await super().execute(
            query, variable_values, context_value, root_value, operation_name, allowed_operation_types,
            operation_extensions,
        )  # fmt: skip

    def _planned(self, query: str | None, operation_name: str | None) -> Planned | None:
        try:
            return self._known.planned(parsed(query or ""), operation_name)
        except GraphQLError:
            return None  # executing it says what is wrong

    def process_errors(self, errors: list[GraphQLError], execution_context: ExecutionContext | None = None) -> None:
        """Nothing: see oms.schema.runtime.errors."""


schema: Final = ApiSchema(
    query=Query,
    mutation=Mutation,
    subscription=Subscription,
    config=StrawberryConfig(scalar_map=SCALARS),
    execution_context_class=BoundedExecution,
    extensions=[Admission, ToldErrors],
)


def sdl() -> str:
    """The schema in GraphQL's language, as docs/reference/schema.graphql holds it; no line end after the last line."""
    return schema.as_str().rstrip()
