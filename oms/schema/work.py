"""What is left to be done for an order."""

from typing import Self

import strawberry

from oms.domain.access.permissions import may
from oms.domain.parked.policy import ParkedPermission
from oms.domain.parked.rules import can_be_given_up
from oms.domain.work.queries import SeenWork
from oms.schema.runtime.fields import field
from oms.schema.runtime.reads import Reads
from oms.schema.runtime.scalars import Instant
from oms.schema.shipments import Shipment


@strawberry.type(description="A step that the order's state calls for, from when it falls due until it is done.")
class Work:
    """As `seen`; what it did not read comes from `reads`."""

    reads: strawberry.Private[Reads]
    seen: strawberry.Private[SeenWork]
    id: strawberry.ID
    queue: str
    step: str
    attempts: int = strawberry.field(description="How often the step was begun; a success or a retry begins anew at 0.")
    due_at: Instant = strawberry.field(description="When it is tried next, unless it is held or parked.")
    held: bool = strawberry.field(description="Whether it waits for the end of the maintenance of fraud control.")
    parked_at: Instant | None = strawberry.field(description="Set where it kept failing and waits for support.")
    last_error: str | None

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

    @field("Null where the work is the order's own, such as its allocation.")
    async def shipment(self) -> Shipment | None:
        key = self.seen.key
        seen = await self.reads.shipment.load((key.subject_id, key.part)) if key.part else None
        return Shipment.of(self.reads, seen) if seen else None

    @field("Whether it is parked, and the viewer may have it tried again.")
    def viewer_can_retry(self) -> bool:
        return self.parked_at is not None and may(self.reads.viewer, ParkedPermission.MEND_WORK)

    @field("Whether the viewer may fail the shipment that it is about.")
    async def viewer_can_give_up(self) -> bool:
        shipment = await self.shipment() if self.viewer_can_retry() else None
        return shipment is not None and can_be_given_up(shipment.seen.shipment)
