"""The schema as a whole. A new concept is one line in MODULES."""

from collections.abc import Sequence
from types import ModuleType
from typing import Final

from oms.schema import (
    amendments,
    approvals,
    attention,
    audit,
    billing,
    cancellation,
    catalog,
    customers,
    figures,
    fraud,
    fulfilment,
    identity,
    inventory,
    notes,
    order,
    order_counts,
    parked,
    people,
    personal_data,
    pictures,
    placing,
    quoting,
    shop_settings,
    timeline,
    viewer,
    work,
)
from oms.schema.execution.api_schema import ApiSchema
from oms.schema.runtime.fields import combined

MODULES: Final[tuple[ModuleType, ...]] = (
    viewer,
    order,
    order_counts,
    fulfilment,
    placing,
    quoting,
    amendments,
    cancellation,
    billing,
    timeline,
    notes,
    catalog,
    pictures,
    inventory,
    customers,
    figures,
    personal_data,
    fraud,
    work,
    parked,
    attention,
    approvals,
    audit,
    identity,
    people,
    shop_settings,
)
"""Root fields are in their classes Queries, Mutations and Subscriptions; a module may only extend types."""


def build_schema(modules: Sequence[ModuleType]) -> ApiSchema:
    """Raises UndeclaredNeeds if a field does not say who may see it, and Undescribed if a part has no description."""

    def roots(name: str) -> list[type]:
        return [getattr(module, name) for module in modules if hasattr(module, name)]

    return ApiSchema(
        query=combined("Query", roots("Queries"), "What the viewer may read."),
        mutation=combined(
            "Mutation",
            roots("Mutations"),
            "A request with one root mutation field may carry an Idempotency-Key header: repeated by the same caller"
            " with the same body\nit answers for the same effect again (its subject as it now is) and does nothing"
            " more; with another body it is refused with\nHTTP 422, while the first is still running with 409. Refused"
            " requests are not remembered.",
        ),
        subscription=combined(
            "Subscription", roots("Subscriptions"), "What the viewer may watch: a result whenever something changes."
        ),
    )


schema: Final = build_schema(MODULES)


def sdl() -> str:
    """The schema in GraphQL's language, as docs/reference/schema.graphql holds it; without a final line break."""
    return schema.as_str().rstrip()
