"""Live answers: a notifier says that something changed, and what it is now is read anew for the viewer."""

from collections.abc import AsyncGenerator
from contextlib import aclosing
from datetime import datetime
from typing import Final
from uuid import UUID

import strawberry

from oms.domain.billing.rules import is_settled
from oms.domain.fraud import queries as fraud
from oms.domain.order.policy import OrderReason
from oms.domain.order.shipment import ShipmentKey
from oms.domain.order.storage.effects import due_work
from oms.domain.order_queries.event_log import ShipmentChange
from oms.domain.order_queries.shipments import ShipmentQuery, check_query
from oms.domain.order_queries.timeline import Section, seq_of
from oms.domain.vocabulary.errors import refused
from oms.domain.vocabulary.ids import NO_ID, parse_order
from oms.domain.vocabulary.paging import MAX_PAGE_SIZE
from oms.schema.fraud import FraudSettings
from oms.schema.order import Order
from oms.schema.runtime.context import Context, Info
from oms.schema.runtime.fields import subscription
from oms.schema.shipments import Shipment, ShipmentFilter, question_of
from oms.schema.timeline import OrderEvent


@strawberry.type
class Subscription:
    """Each is refused before it starts where its subject is not the viewer's to see."""

    @subscription(
        "The order at once, and its latest state after every change of it or its shipments (close changes may"
        " merge); completes when the status is final and no refund is due."
    )
    async def order_updated(self, info: Info, order_id: strawberry.ID) -> AsyncGenerator[Order, None]:
        return _order_states(info.context, await _watched(info.context, order_id))

    @subscription(
        "Every event of the order after the cursor, past ones first, then live ones: none is missed over a reconnect."
    )
    async def order_events(
        self, info: Info, order_id: strawberry.ID, after: str | None = None
    ) -> AsyncGenerator[OrderEvent, None]:
        """Completes once nothing more can happen to the order."""
        seq = seq_of(after)
        return _order_events(info.context, await _watched(info.context, order_id), seq)

    @subscription(
        "Every shipment that the viewer may see and that matched before or matches after, each time it changes."
    )
    async def shipment_updated(
        self,
        info: Info,
        filter: ShipmentFilter | None = None,  # noqa: A002 - the contract's name
    ) -> AsyncGenerator[Shipment, None]:
        question = question_of(filter)
        check_query(question)
        return _shipments(info.context, question)

    @strawberry.subscription
    async def fraud_settings_updated(self, info: Info) -> AsyncGenerator[FraudSettings, None]:
        return _fraud_settings(info.context)


async def _watched(context: Context, text: str) -> UUID:
    """The id of an order that the viewer may see. Raises Refused(NOT_FOUND)."""
    key = parse_order(text) or NO_ID
    if await context.fresh_reads().order.load(key) is None:
        raise refused(OrderReason.ORDER_NOT_FOUND, "There is no such order.", "orderId")
    return key


async def _order_states(context: Context, key: UUID) -> AsyncGenerator[Order, None]:
    """Ends, too, when the order is no longer the viewer's to see, as a failed shipment is for its courier."""
    async with aclosing(context.live.order(key)) as bell:
        async for _ in bell:
            reads = context.fresh_reads()
            seen = await reads.order.load(key)
            if seen is None:
                return
            order = Order.of(reads, seen)
            whole = await order.whole()
            yield order
            if whole.is_final and is_settled(whole):
                return


async def _order_events(context: Context, key: UUID, after: int) -> AsyncGenerator[OrderEvent, None]:
    """The order is read before its events, so the last of them are told before it ends."""
    async with aclosing(context.live.order(key)) as bell:
        async for _ in bell:
            reads = context.fresh_reads()
            seen = await reads.order.load(key)
            if seen is None:
                return
            whole = await Order.of(reads, seen).whole()
            while events := await reads.events.load(Section(key, after, MAX_PAGE_SIZE)):
                for event in events:
                    yield OrderEvent.of(reads, seen.order, event)
                after = events[-1].seq
            if whole.is_final and not due_work(whole):
                return


MAX_REMEMBERED: Final = 10_000


async def _shipments(context: Context, question: ShipmentQuery) -> AsyncGenerator[Shipment, None]:
    """Several changes that were read at once are told once; after a while of remembering that, perhaps twice."""
    told: dict[ShipmentKey, datetime] = {}
    async with aclosing(context.live.shipments()) as changes:
        async for change in changes:
            shipment = await _matching(context, question, change)
            if shipment and told.get(shipment.seen.key) != shipment.updated_at:
                if len(told) >= MAX_REMEMBERED:
                    told.clear()
                told[shipment.seen.key] = shipment.updated_at
                yield shipment


async def _matching(context: Context, question: ShipmentQuery, change: ShipmentChange) -> Shipment | None:
    """The shipment as it is now, if the viewer may see it and it matched before or matches after."""
    if question.statuses is not None and not change.statuses & set(map(str, question.statuses)):
        return None
    reads = context.fresh_reads()
    seen = await reads.shipment.load((change.order_id, change.number))
    if seen is None or not question.concerns(seen):
        return None
    return Shipment.of(reads, seen)


async def _fraud_settings(context: Context) -> AsyncGenerator[FraudSettings, None]:
    async with aclosing(context.live.fraud_settings()) as bell:
        async for _ in bell:
            yield FraudSettings.of(await fraud.settings(context.db, context.viewer))
