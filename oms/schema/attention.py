"""What needs somebody's attention."""

import asyncio
from typing import Self

import strawberry

from oms.domain.diagnosis import attention as diagnosis
from oms.domain.order.policy import OrderPermission
from oms.domain.vocabulary.wording import said
from oms.domain.work.policy import WorkPermission
from oms.platform.locale.language import gettext
from oms.schema.order import Order
from oms.schema.runtime.context import Info
from oms.schema.runtime.fields import attribute, field, object_type
from oms.schema.runtime.reading.reads import Reads
from oms.schema.runtime.scalars import Instant


@object_type(needs=WorkPermission.READ_OPERATIONS)
class Attention:
    """A cause for which orders or jobs stand still, or will soon run out, and who can move them."""

    reads: strawberry.Private[Reads]
    found: strawberry.Private[diagnosis.Attention]
    cause: str = attribute("Its stable name, such as PARKED; docs/reference/work.md lists them.")
    summary: str = attribute("The cause in words.")
    remedy: str = attribute("Who has to do what.")
    count: int = attribute("Orders, shipments and jobs that it concerns, at most 1,000.")
    is_more: bool = attribute("Whether there may be more than count says.")
    since: Instant | None = attribute("Of what waits longest.")
    until: Instant | None = attribute("When the first of them runs out by itself.")

    @classmethod
    def of(cls, reads: Reads, found: diagnosis.Attention) -> Self:
        return cls(
            reads=reads,
            found=found,
            cause=found.cause.name,
            summary=said(found.cause.phrase, gettext),
            remedy=said(found.remedy, gettext),
            count=found.count,
            is_more=found.is_more,
            since=Instant(found.since) if found.since else None,
            until=Instant(found.until) if found.until else None,
        )

    @field("At most three of the orders, the longest waiting first.", needs=OrderPermission.READ_ORDER)
    async def orders(self) -> list[Order]:
        seen = await asyncio.gather(*map(self.reads.order.load, self.found.orders))
        return [Order.of(self.reads, each) for each in seen if each]


@strawberry.type
class Queries:
    """The query of what needs attention."""

    @field(
        "What stands still for longer than it should, by cause, and what will run out soon. For managers and support.",
        needs=WorkPermission.READ_OPERATIONS,
    )
    async def attention(self, info: Info) -> list[Attention]:
        reads = info.context.reads
        return [Attention.of(reads, found) for found in await diagnosis.attention(reads.db, reads.viewer)]
