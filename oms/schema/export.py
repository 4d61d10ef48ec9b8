"""The schema as a whole: what the doors execute, and its text."""

from typing import Any, Final

import strawberry
from graphql import GraphQLError
from strawberry.schema.config import StrawberryConfig
from strawberry.types.execution import ExecutionContext

from oms.schema.accounts import AccountMutations
from oms.schema.admission import Admission, BoundedExecution
from oms.schema.audit import AuditQueries
from oms.schema.catalog import CatalogMutations, CatalogQueries
from oms.schema.customers import CustomerMutations, CustomerQueries
from oms.schema.errors import ToldErrors
from oms.schema.fraud import FraudMutations, FraudQueries
from oms.schema.guard import guard
from oms.schema.operations import OperationsMutations, OperationsQueries
from oms.schema.order_commands import OrderMutations
from oms.schema.orders import OrderQueries
from oms.schema.scalars import SCALARS
from oms.schema.shipment_commands import ShipmentMutations
from oms.schema.shipments import ShipmentQueries
from oms.schema.subscriptions import Subscription
from oms.schema.viewer import NodeQueries
from oms.schema.visibility import NEEDS


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

    def process_errors(self, errors: list[GraphQLError], execution_context: ExecutionContext | None = None) -> None:
        """Nothing: see oms.schema.errors."""


schema: Final = ApiSchema(
    query=Query,
    mutation=Mutation,
    subscription=Subscription,
    config=StrawberryConfig(scalar_map=SCALARS),
    execution_context_class=BoundedExecution,
    extensions=[Admission, ToldErrors],
)


def sdl() -> str:
    """The schema in GraphQL's language, as docs/schema.graphql holds it; no line end after the last line."""
    return schema.as_str().rstrip()
