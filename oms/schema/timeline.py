"""The audit trail of an order."""

from typing import TYPE_CHECKING, Annotated, Self

import strawberry

from oms.domain.concept.registry import registered
from oms.domain.order.model import Order
from oms.domain.order.shipment import SHIPMENT_PART
from oms.domain.vocabulary.events import Event
from oms.schema.runtime.enums import Role
from oms.schema.runtime.reads import Reads
from oms.schema.runtime.scalars import Instant

if TYPE_CHECKING:
    from oms.schema.shipments import Shipment


@strawberry.type
class OrderEvent:
    """One thing that happened."""

    reads: strawberry.Private[Reads]
    of_order: strawberry.Private[Order]
    event: strawberry.Private[Event]
    cursor: str = strawberry.field(
        description="The event's place within its order, without gaps; a subscriber can resume after it."
    )
    at: Instant
    type: str = strawberry.field(
        description=("A stable past-tense name, e.g. OrderPlaced, ItemsAllocated, ShipmentCharged, ShipmentDispatched.")
    )
    actor: str = strawberry.field(description="Who or what caused it: a user's or client's name, or the job's.")
    actor_role: Role | None = strawberry.field(description="Null when the system itself acted.")
    reason: str | None = strawberry.field(description="Why, where the actor gave or the system had a reason.")
    summary: str = strawberry.field(description="One sentence for a person.")

    @classmethod
    def of(cls, reads: Reads, order: Order, event: Event) -> Self:
        return cls(
            reads=reads,
            of_order=order,
            event=event,
            cursor=str(event.seq),
            at=Instant(event.at),
            type=str(event.type),
            actor=event.by.name,
            actor_role=event.by.role,
            reason=event.reason,
            summary=registered().event_kinds[event.type].sentence(event, order.currency),
        )

    @strawberry.field
    async def shipment(self) -> Annotated["Shipment", strawberry.lazy("oms.schema.shipments")] | None:
        from oms.schema.shipments import Shipment  # noqa: PLC0415 - an order has events, an event a shipment

        number = self.event.number_of(SHIPMENT_PART)
        for seen in await self.reads.shipments.load(self.of_order.id) if number else ():
            if seen.shipment.number == number:
                return Shipment.of(self.reads, seen)
        return None
