"""How many orders a list has."""

from collections.abc import Mapping
from typing import Annotated, Final, Self

import strawberry

from oms.domain.access.permissions import Viewer
from oms.domain.order.policy import OrderPermission
from oms.domain.order_queries import counts
from oms.domain.order_queries.counts import MAX_COUNTED
from oms.domain.order_queries.finding.selection import OrderQuery
from oms.platform.db import Database
from oms.schema.order import OrderFilter, query_of
from oms.schema.runtime.context import Info
from oms.schema.runtime.fields import argument, attribute, field, object_type
from oms.schema.runtime.reading.reads import BatchRead

COUNT: Final = 50
"""What a count costs more than a single read: it reads an index, at most 10,000 entries."""


@object_type(needs=OrderPermission.READ_ORDERS)
class OrderCount:
    """How many orders there are, counted up to 10,000."""

    count: int = attribute("At most 10,000.")
    is_more: bool = attribute("Whether there are more than count says.")

    @classmethod
    def of(cls, number: int) -> Self:
        return cls(count=min(number, MAX_COUNTED), is_more=number > MAX_COUNTED)


async def _counted(db: Database, viewer: Viewer, queries: list[OrderQuery]) -> Mapping[OrderQuery, int]:
    return dict(zip(queries, await counts.count(db, viewer, queries), strict=True))


COUNTED: Final = BatchRead(_counted, 0)


@strawberry.type
class Queries:
    """Queries of how many orders there are."""

    @field(
        "How many orders a list with this filter has. Several of them in one request are counted together.",
        needs=OrderPermission.READ_ORDERS,
        costs={"filter": COUNT},
    )
    async def order_count(
        self,
        info: Info,
        filter: Annotated[OrderFilter | None, argument("Without it all that the viewer may see.")] = None,  # noqa: A002 - as of orders
    ) -> OrderCount:
        query = query_of(filter)
        return OrderCount.of(await info.context.reads.load(COUNTED, query) if query else 0)
