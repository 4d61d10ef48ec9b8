"""The timeline of an order: its events."""

from collections.abc import AsyncGenerator
from contextlib import aclosing
from functools import partial
from typing import Annotated, Self
from uuid import UUID

import strawberry
from strawberry import Parent

from oms.domain.concept.registry import registered
from oms.domain.order import model
from oms.domain.order.events import SHIPMENT_PART
from oms.domain.order.policy import OrderPermission
from oms.domain.order.storage.effects import due_work
from oms.domain.order_queries.timeline import Section, seq_of
from oms.domain.vocabulary.events import Event
from oms.domain.vocabulary.paging import MAX_PAGE_SIZE, Page, check_first
from oms.domain.vocabulary.wording import said
from oms.platform.faults.outages import through_outages
from oms.platform.locale.language import gettext
from oms.platform.locale.money import money_text
from oms.schema.fulfilment import Shipment
from oms.schema.order import Order, OrderId, visible_now, visible_order
from oms.schema.runtime.connections import After, Connection, First, connection, size
from oms.schema.runtime.context import Context, Info
from oms.schema.runtime.enums import Role
from oms.schema.runtime.fields import argument, attribute, extends, field, object_type, subscription
from oms.schema.runtime.includes import EVENTS
from oms.schema.runtime.reading.reads import Reads
from oms.schema.runtime.scalars import Instant


@object_type(needs=OrderPermission.READ_ORDER)
class OrderEvent:
    """Something that happened to an order or its shipments."""

    reads: strawberry.Private[Reads]
    of_order: strawberry.Private[model.Order]
    event: strawberry.Private[Event]
    cursor: str = attribute("The event's place within its order, without gaps; a subscriber can resume after it.")
    at: Instant = attribute("When it happened.")
    type: str = attribute(
        "A stable past-tense name, e.g. OrderPlaced, ItemsAllocated, ShipmentCharged, ShipmentDispatched."
    )
    actor: str = attribute("Who or what caused it: a user's or client's name, or the job's.")
    actor_role: Role | None = attribute("Null when the system itself acted.")
    reason: str | None = attribute("Why, where the actor gave or the system had a reason.")
    summary: str = attribute("One sentence for a person.")

    @classmethod
    def of(cls, reads: Reads, order: model.Order, event: Event) -> Self:
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
            summary=said(registered().event_kinds[event.type].sentence(event, order.currency), gettext, money_text),
        )

    @field("The one it concerns; null if it concerns the whole order.", needs=OrderPermission.READ_ORDER)
    async def shipment(self) -> Shipment | None:
        number = self.event.number_of(SHIPMENT_PART)
        for seen in await self.reads.shipments.load(self.of_order.id) if number else ():
            if seen.shipment.number == number:
                return Shipment.of(self.reads, seen)
        return None


@extends(
    Order,
    "What happened to the order and its shipments, oldest first: the audit trail.",
    needs=OrderPermission.READ_ORDER,
)
async def events(
    order: Parent[Order],
    first: First = EVENTS,
    after: After = None,
    newest_first: Annotated[bool | None, argument("The other way round: after continues towards the oldest.")] = False,
) -> Connection[OrderEvent]:
    of_order = order.seen.order
    count = check_first(size(first, EVENTS))
    section = Section(of_order.id, seq_of(after), count + 1, newest_first=bool(newest_first))
    return connection(
        Page.of(await order.reads.events.load(section), count),
        after=after,
        cursor=lambda event: str(event.seq),
        node=lambda event: OrderEvent.of(order.reads, of_order, event),
    )


@strawberry.type
class Subscriptions:
    """Live events; refused before they start if the viewer may not see the order."""

    @subscription(
        "Every event of the order after the cursor, past ones first, then live ones: none is missed over a reconnect.",
        needs=OrderPermission.READ_ORDER,
    )
    async def order_events(
        self,
        info: Info,
        order_id: OrderId,
        after: Annotated[
            str | None,
            argument("The cursor of the last event received; without it the history comes from its beginning."),
        ] = None,
    ) -> AsyncGenerator[OrderEvent, None]:
        """Completes when nothing more can happen to the order."""
        seq = seq_of(after)
        return _events(info.context, await visible_order(info.context, order_id), seq)


async def _events(context: Context, key: UUID, after: int) -> AsyncGenerator[OrderEvent, None]:
    """Reads the order before its events, so that the last events are sent before it ends."""
    async with aclosing(context.live.order(key)) as notifications:
        async for _ in notifications:
            order = await through_outages(partial(visible_now, context, key))
            if order is None:
                return
            whole, reads = order.seen.order, order.reads
            while found := await through_outages(partial(_found, context, Section(key, after, MAX_PAGE_SIZE))):
                for event in found:
                    async for _ in context.until_whole():
                        yield OrderEvent.of(reads, whole, event)
                        reads = context.fresh_reads() if context.was_interrupted else reads
                after = found[-1].seq
            if whole.is_final and not due_work(whole):
                return


async def _found(context: Context, section: Section) -> list[Event]:
    return await context.fresh_reads().events.load(section)
