"""The schema as a whole: what the doors execute, and its text."""

from collections.abc import Iterator
from contextlib import suppress
from typing import Any, Final

import strawberry
from graphql import GraphQLError
from strawberry.extensions import ParserCache, ValidationCache
from strawberry.schema.config import StrawberryConfig
from strawberry.types.execution import ExecutionContext

from oms.schema.catalog import CatalogMutations, CatalogQueries
from oms.schema.customers import CustomerQueries
from oms.schema.errors import ToldErrors
from oms.schema.fraud import FraudMutations, FraudQueries
from oms.schema.operations import OperationsMutations, OperationsQueries
from oms.schema.order_commands import OrderMutations
from oms.schema.orders import OrderQueries
from oms.schema.scalars import SCALARS
from oms.schema.shipment_commands import ShipmentMutations
from oms.schema.shipments import ShipmentQueries
from oms.schema.subscriptions import Subscription
from oms.schema.viewer import NodeQueries


@strawberry.type
class Query(
    NodeQueries, OrderQueries, ShipmentQueries, FraudQueries, OperationsQueries, CatalogQueries, CustomerQueries
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
class Mutation(OrderMutations, ShipmentMutations, FraudMutations, CatalogMutations, OperationsMutations):
    """Doing."""


CACHED_DOCUMENTS: Final = 256
LONGEST_CACHED_CHARACTERS: Final = 16_384
"""What is longer is parsed each time: clients send such documents once, and they would fill the memory."""


class ParsedOnce(ParserCache):
    """Keeps the syntax trees of documents that are likely to come again."""

    def on_parse(self) -> Iterator[None]:
        query = self.execution_context.query or ""
        if len(query) <= LONGEST_CACHED_CHARACTERS:
            # What can't be parsed is parsed once more by the step that follows, which tells why.
            with suppress(GraphQLError, RecursionError):
                self.execution_context.graphql_document = self.cached_parse_document(
                    query, **self.execution_context.parse_options
                )
        yield


class ValidatedOnce(ValidationCache):
    """Keeps the verdict on those documents."""

    def on_validate(self) -> Iterator[None]:
        if len(self.execution_context.query or "") > LONGEST_CACHED_CHARACTERS:
            yield
        else:
            yield from super().on_validate()


class ApiSchema(strawberry.Schema):
    """Strawberry's, but faults are logged where they are masked and refusals are no faults."""

    def process_errors(self, errors: list[GraphQLError], execution_context: ExecutionContext | None = None) -> None:
        """Nothing: see oms.schema.errors."""


def _extensions() -> list[Any]:
    """Made for each operation. Limits on what one may ask belong at the front, their rules built once."""
    return [
        lambda: ParsedOnce(maxsize=CACHED_DOCUMENTS),
        lambda: ValidatedOnce(maxsize=CACHED_DOCUMENTS),
        ToldErrors,
    ]


schema: Final = ApiSchema(
    query=Query,
    mutation=Mutation,
    subscription=Subscription,
    config=StrawberryConfig(scalar_map=SCALARS),
    extensions=_extensions(),
)


def sdl() -> str:
    """The schema in GraphQL's language, as docs/schema.graphql holds it; no line end after the last line."""
    return schema.as_str().rstrip()
