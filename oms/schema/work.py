"""The work that is due for an order."""

from typing import Final, Self

import strawberry
from strawberry import Parent

from oms.domain.access.permissions import may
from oms.domain.order.policy import OrderPermission
from oms.domain.parked.policy import ParkedPermission
from oms.domain.parked.rules import can_be_given_up
from oms.domain.work import queries
from oms.domain.work.policy import WorkPermission
from oms.domain.work.queries import SeenWork
from oms.schema.fulfilment import Shipment
from oms.schema.order import Order
from oms.schema.runtime.fields import attribute, extends, field, object_type
from oms.schema.runtime.reading.reads import BatchRead, Reads
from oms.schema.runtime.scalars import Instant


@object_type(
    needs=WorkPermission.READ_OPERATIONS,
)
class Work:
    """A step that the order's state calls for, from when it falls due until it is done."""

    reads: strawberry.Private[Reads]
    seen: strawberry.Private[SeenWork]
    id: strawberry.ID = attribute("For retryWork and giveUpWork.")
    queue: str = attribute("The kind of work, e.g. booking.")
    step: str = attribute("What should be done next.")
    attempts: int = attribute("How often the step was started; a success or a retry resets it to 0.")
    due_at: Instant = attribute("When it is tried next, unless it is held or parked.")
    held: bool = attribute("Whether it waits for the end of the maintenance of fraud control.")
    parked_at: Instant | None = attribute("Set if it kept failing and waits for support.")
    last_error: str | None = attribute("Why the last attempt failed; null if none did.")

    @classmethod
    def of(cls, reads: Reads, seen: SeenWork) -> Self:
        return cls(
            reads=reads,
            seen=seen,
            id=strawberry.ID(seen.id),
            queue=str(seen.key.queue),
            step=str(seen.step),
            attempts=seen.attempts,
            due_at=Instant(seen.due_at),
            held=seen.held,
            parked_at=Instant(seen.parked_at) if seen.parked_at else None,
            last_error=seen.last_error,
        )

    @field("Null if the work concerns the order itself, such as its allocation.", needs=OrderPermission.READ_ORDER)
    async def shipment(self) -> Shipment | None:
        key = self.seen.key
        seen = await self.reads.shipment.load((key.subject_id, key.part)) if key.part else None
        return Shipment.of(self.reads, seen) if seen else None

    @field("Whether it is parked and the viewer may retry it.", needs=WorkPermission.READ_OPERATIONS)
    def viewer_can_retry(self) -> bool:
        return self.parked_at is not None and may(self.reads.viewer, ParkedPermission.MEND_WORK)

    @field("Whether the viewer may fail the shipment that it concerns.", needs=WorkPermission.READ_OPERATIONS)
    async def viewer_can_give_up(self) -> bool:
        shipment = await self.shipment() if self.viewer_can_retry() else None
        return shipment is not None and can_be_given_up(shipment.seen.shipment)


_NO_WORK: Final[list[SeenWork]] = []
WORK_OF_ORDER: Final = BatchRead(lambda db, _viewer, ids: queries.of_subjects(db, ids), _NO_WORK)


@extends(
    Order,
    "What is left to be done, what is parked first. Null for all but managers and support.",
    needs=WorkPermission.READ_OPERATIONS,
)
async def work(order: Parent[Order]) -> list[Work] | None:
    return [Work.of(order.reads, seen) for seen in await order.reads.load(WORK_OF_ORDER, order.seen.order.id)]
