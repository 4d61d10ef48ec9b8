"""Shipments: what leaves one warehouse together, and what couriers and staff do with it."""

from collections.abc import AsyncGenerator
from contextlib import aclosing
from datetime import datetime
from functools import partial
from typing import Annotated, Any, Final, Self
from uuid import UUID

import strawberry

from oms.domain.access.permissions import may, reach
from oms.domain.fulfilment import commands, rules
from oms.domain.fulfilment.commands import CourierAction, MoveShipment
from oms.domain.fulfilment.policy import FulfilmentPermission
from oms.domain.order.policy import OrderPermission
from oms.domain.order.shipment import SHIPMENT, Item, ShipmentKey, ShipmentStatus
from oms.domain.order_queries import shipment_counts, shipments
from oms.domain.order_queries.event_log import ShipmentChange
from oms.domain.order_queries.shipment_counts import MAX_COUNTED, Counted
from oms.domain.order_queries.shipments import SeenShipment, ShipmentQuery, check_query
from oms.domain.vocabulary import ids
from oms.domain.vocabulary.ids import line_id, parse_shipment, shipment_id
from oms.domain.vocabulary.permission import Reach
from oms.platform.db import Tx
from oms.platform.locale.time_zone import current_zone
from oms.schema.catalog import Warehouse
from oms.schema.runtime.commands import run_batched, run_command
from oms.schema.runtime.connections import PAGE, After, Connection, First, Node, connection, node_reader, size
from oms.schema.runtime.context import Context, Info
from oms.schema.runtime.enums import described, meanings
from oms.schema.runtime.errors import UserError
from oms.schema.runtime.fields import (
    NOTHING_MORE,
    argument,
    attribute,
    field,
    input_type,
    mutation,
    object_type,
    subscription,
)
from oms.schema.runtime.money import Money, money
from oms.schema.runtime.reading.reads import Reads
from oms.schema.runtime.scalars import Instant

READ_ORDER: Final = OrderPermission.READ_ORDER
ShipmentId = Annotated[strawberry.ID, argument("The shipment's id.")]

described(ShipmentStatus, "ShipmentStatus", "How far a shipment has come.", meanings(SHIPMENT))


@object_type()
class ShipmentLine:
    """Units of an order line in a shipment."""

    reads: strawberry.Private[Reads]
    order_line_id: strawberry.ID = attribute("The id of the order's line that it is a part of.", needs=READ_ORDER)
    sku: str = attribute("Stock keeping unit: the product's code.", needs=READ_ORDER)
    quantity: int = attribute("Units in this shipment.", needs=READ_ORDER)
    unit_price: Money | None = attribute("Null for couriers.", needs=OrderPermission.READ_MONEY)
    amount: Money | None = attribute(
        "unitPrice for each of quantity, before discount and tax. Null for couriers.", needs=OrderPermission.READ_MONEY
    )

    @field("The product's name in the catalogue as it is now, or its SKU where it has none.", needs=READ_ORDER)
    async def name(self) -> str:
        return await self.reads.name_of(self.sku)


@object_type(needs=READ_ORDER)
class Courier:
    """Who carries a shipment from the warehouse to the customer."""

    code: str = attribute("As the booking system calls it.")
    name: str = attribute("For people to read; the code where there is none.")


@object_type(listed=OrderPermission.READ_SHIPMENTS, entry=READ_ORDER)
class Shipment(Node):
    """The items of one order that leave one warehouse together: the unit of billing and delivery."""

    reads: strawberry.Private[Reads]
    seen: strawberry.Private[SeenShipment]
    id: strawberry.ID = attribute("Opaque and globally unique.", needs=READ_ORDER)
    status: ShipmentStatus = attribute("How far it has come.", needs=READ_ORDER)
    warehouse: Warehouse = attribute("Where it leaves from.", needs=READ_ORDER)
    tracking_number: str | None = attribute("The courier's number for it; null until booked.", needs=READ_ORDER)
    booked_at: Instant | None = attribute("When a courier accepted it; null before.", needs=READ_ORDER)
    dispatched_at: Instant | None = attribute("When the courier picked it up; null before.", needs=READ_ORDER)
    delivered_at: Instant | None = attribute("When it was handed to the customer; null before.", needs=READ_ORDER)
    attempts: int = attribute("Attempts to deliver it that were in vain, and are repeated.", needs=READ_ORDER)
    attempted_at: Instant | None = attribute("When the last of them was; null before.", needs=READ_ORDER)
    updated_at: Instant = attribute("When it last changed.", needs=READ_ORDER)

    @classmethod
    def of(cls, reads: Reads, seen: SeenShipment) -> Self:
        shipment = seen.shipment
        return cls(
            id=strawberry.ID(shipment_id(*seen.key)),
            reads=reads,
            seen=seen,
            status=shipment.status,
            warehouse=Warehouse.of(seen.warehouse),
            tracking_number=shipment.tracking_number,
            booked_at=Instant(shipment.booked_at) if shipment.booked_at else None,
            dispatched_at=Instant(shipment.dispatched_at) if shipment.dispatched_at else None,
            delivered_at=Instant(shipment.delivered_at) if shipment.delivered_at else None,
            attempts=shipment.attempts,
            attempted_at=Instant(shipment.attempted_at) if shipment.attempted_at else None,
            updated_at=Instant(shipment.updated_at),
        )

    @field("What is in it.", needs=READ_ORDER)
    async def lines(self) -> list[ShipmentLine]:
        return [self._line(item) for item in await self.reads.counted(await self.reads.items.load(self.seen.key))]

    def _line(self, item: Item) -> ShipmentLine:
        return ShipmentLine(
            reads=self.reads,
            order_line_id=strawberry.ID(line_id(self.seen.shipment.order_id, item.line)),
            sku=item.sku,
            quantity=item.quantity,
            unit_price=money(item.unit_price_minor, self.seen.currency),
            amount=money(item.unit_price_minor * item.quantity, self.seen.currency),
        )

    @field("Present once booked.", needs=READ_ORDER)
    def courier(self) -> Courier | None:
        code, name = self.seen.shipment.courier_code, self.seen.shipment.courier_name
        return Courier(code=code, name=name or code) if code else None

    @field("Whether the viewer may report that the courier picked it up.", needs=READ_ORDER)
    def viewer_can_dispatch(self) -> bool:
        return may(self.reads.viewer, FulfilmentPermission.DISPATCH) and rules.can_dispatch(self.seen.shipment)

    @field("Whether the viewer may report that the customer has it.", needs=READ_ORDER)
    def viewer_can_deliver(self) -> bool:
        return may(self.reads.viewer, FulfilmentPermission.DELIVER) and rules.can_deliver(self.seen.shipment)

    @field("Whether the viewer may report an attempt in vain and try again the next day.", needs=READ_ORDER)
    def viewer_can_try_again(self, info: Info) -> bool:
        max_attempts = info.context.delivery_attempts
        may_report = may(self.reads.viewer, FulfilmentPermission.TRY_AGAIN)
        return may_report and rules.can_try_again(self.seen.shipment, max_attempts=max_attempts)

    @field("Whether the viewer may report it as lost, refused, undeliverable or never collected.", needs=READ_ORDER)
    def viewer_can_fail(self) -> bool:
        return may(self.reads.viewer, FulfilmentPermission.FAIL_SHIPMENT) and rules.can_fail(self.seen.shipment)


@input_type
class ShipmentFilter:
    """Absent conditions do not restrict; an empty list of statuses matches nothing."""

    status: list[ShipmentStatus] | None = attribute("Only shipments in one of these.", default=None)
    warehouse_code: str | None = attribute("Only shipments that leave from this warehouse.", default=None)
    delivered_from: Instant | None = attribute(
        default=None, description="Only those delivered then or later. Inclusive."
    )


def _query_of(given: ShipmentFilter | None) -> ShipmentQuery:
    if given is None:
        return ShipmentQuery()
    statuses = frozenset(given.status) if given.status is not None else None
    return ShipmentQuery(statuses, given.warehouse_code, given.delivered_from)


@object_type(needs=OrderPermission.COUNT_SHIPMENTS)
class ShipmentCount:
    """The number of shipments with a status."""

    status: ShipmentStatus = attribute("Of the shipments counted.")
    count: int = attribute(f"At most {MAX_COUNTED}, which then means that many or more.")

    @classmethod
    def of(cls, counted: Counted) -> Self:
        return cls(status=counted.status, count=counted.count)


@node_reader
async def shipment_of_id(reads: Reads, text: str) -> Shipment | None:
    """None for a malformed id, and for a shipment that does not exist or that the viewer may not see."""
    key = parse_shipment(text)
    seen = await reads.shipment.load(key) if key else None
    return Shipment.of(reads, seen) if seen else None


@strawberry.type
class Queries:
    """Queries of shipments."""

    @field("Null when there is none that the viewer may see.", needs=READ_ORDER)
    async def shipment(self, info: Info, id: ShipmentId) -> Shipment | None:  # noqa: A002 - the contract's name
        return await shipment_of_id(info.context.reads, id)

    @field(
        "The newest with this number of a courier, as scanned or typed. Null when there is none that the viewer may"
        " see.",
        needs=READ_ORDER,
    )
    async def shipment_of_tracking_number(
        self, info: Info, tracking_number: Annotated[str, argument("In any case, without spaces around it.")]
    ) -> Shipment | None:
        reads = info.context.reads
        seen = await shipments.of_tracking_number(reads.db, reads.viewer, tracking_number)
        return Shipment.of(reads, seen) if seen else None

    @field("Newest first.", needs=OrderPermission.READ_SHIPMENTS)
    async def shipments(
        self,
        info: Info,
        first: First = PAGE,
        after: After = None,
        filter: Annotated[ShipmentFilter | None, argument("Without it all that the viewer may see.")] = None,  # noqa: A002 - the contract's name
    ) -> Connection[Shipment]:
        reads = info.context.reads
        page = await shipments.page(reads.db, reads.viewer, _query_of(filter), first=size(first), after=after)
        return connection(
            page, after=after, cursor=lambda seen: seen.cursor, node=lambda seen: Shipment.of(reads, seen)
        )

    @field(
        "How many are BOOKED, how many are DISPATCHED and how many were DELIVERED within the last 24 hours,"
        " everywhere or in one warehouse. For couriers, managers and support.",
        needs=OrderPermission.COUNT_SHIPMENTS,
    )
    async def shipment_counts(
        self,
        info: Info,
        warehouse_code: Annotated[str | None, argument("Only shipments that leave from this warehouse.")] = None,
    ) -> list[ShipmentCount]:
        found = await shipment_counts.counts(info.context.db, info.context.viewer, warehouse_code)
        return [ShipmentCount.of(counted) for counted in found]


@object_type(needs=NOTHING_MORE)
class ShipmentPayload:
    """The shipment now, or why nothing was done."""

    reads: strawberry.Private[Reads]
    key: strawberry.Private[ShipmentKey | None]
    user_errors: list[UserError] = attribute("Why nothing was done; empty if it was.")

    @field("As it is after the command; null with any error.", needs=READ_ORDER)
    async def shipment(self, info: Info) -> Shipment | None:
        seen = await shipments.just_changed(info.context.db, self.key) if self.key else None
        return Shipment.of(self.reads, seen) if seen else None


async def _move(info: Info, action: CourierAction, shipment_id: strawberry.ID) -> ShipmentPayload:
    command = MoveShipment(action, _key_of(shipment_id))
    done, errors = await run_batched(info, info.context.batched.move, command)
    return _payload(info, done.subject if done else None, errors)


def _payload(info: Info, subject: Any, errors: list[UserError]) -> ShipmentPayload:
    """`subject`: the shipment's order and number as a JSON value, as it is stored for repeated requests."""
    key = (UUID(hex=subject[0]), subject[1]) if subject else None
    return ShipmentPayload(reads=info.context.fresh_reads(), key=key, user_errors=errors)


def _key_of(text: str) -> ShipmentKey:
    """For a malformed id, the key of no shipment: the result is the same."""
    return ids.parse_shipment(text) or (ids.NO_ID, 0)


@strawberry.type
class Mutations:
    """Commands on shipments."""

    @mutation(
        "The courier picked it up at the warehouse. Allowed while it is BOOKED.", needs=FulfilmentPermission.DISPATCH
    )
    async def dispatch_shipment(self, info: Info, shipment_id: ShipmentId) -> ShipmentPayload:
        return await _move(info, CourierAction.DISPATCH, shipment_id)

    @mutation(
        "The courier handed it to the customer. Allowed while it is DISPATCHED.", needs=FulfilmentPermission.DELIVER
    )
    async def deliver_shipment(self, info: Info, shipment_id: ShipmentId) -> ShipmentPayload:
        return await _move(info, CourierAction.DELIVER, shipment_id)

    @mutation(
        "The courier could not deliver it and tries again the next day. Allowed while it is DISPATCHED and has an"
        " attempt left; it stays DISPATCHED.",
        needs=FulfilmentPermission.TRY_AGAIN,
    )
    async def try_delivery_again(
        self,
        info: Info,
        shipment_id: ShipmentId,
        reason: Annotated[str, argument("What happened, at most 500 characters; it is kept in the order's history.")],
    ) -> ShipmentPayload:
        viewer, max_attempts = info.context.viewer, info.context.delivery_attempts

        async def act(tx: Tx) -> list[str | int]:
            key = _key_of(shipment_id)
            order_id, number = await commands.try_again(
                tx, viewer, key, reason, max_attempts=max_attempts, zone=current_zone()
            )
            return [order_id.hex, number]

        return _payload(info, *await run_command(info, act))

    @mutation(
        "Lost, refused or undeliverable, or never collected: ends a BOOKED or DISPATCHED shipment and refunds"
        " its charge.",
        needs=FulfilmentPermission.FAIL_SHIPMENT,
    )
    async def fail_shipment(
        self,
        info: Info,
        shipment_id: ShipmentId,
        reason: Annotated[str, argument("What happened, at most 500 characters; it is kept in the order's history.")],
    ) -> ShipmentPayload:
        viewer = info.context.viewer
        if reach(viewer, FulfilmentPermission.FAIL_SHIPMENT) == Reach.CARRIED:
            await info.context.before_failing(viewer)

        async def act(tx: Tx) -> list[str | int]:
            second_person = info.context.second_person
            order_id, number = await commands.fail(
                tx, viewer, _key_of(shipment_id), reason, second_person=second_person
            )
            return [order_id.hex, number]

        return _payload(info, *await run_command(info, act))


@strawberry.type
class Subscriptions:
    """Live shipments."""

    @subscription(
        "Every shipment that the viewer may see and that matched before or matches after, each time it changes.",
        needs=(READ_ORDER, OrderPermission.READ_SHIPMENTS),
    )
    async def shipment_updated(
        self,
        info: Info,
        filter: Annotated[ShipmentFilter | None, argument("Without it all that the viewer may see.")] = None,  # noqa: A002 - the contract's name
    ) -> AsyncGenerator[Shipment, None]:
        query = _query_of(filter)
        check_query(query)
        return _changed(info.context, query)


MAX_REMEMBERED: Final = 10_000


async def _changed(context: Context, query: ShipmentQuery) -> AsyncGenerator[Shipment, None]:
    """Several changes that were read together are sent once, or twice after MAX_REMEMBERED shipments."""
    sent: dict[ShipmentKey, datetime] = {}
    async with aclosing(context.live.shipments()) as changes:
        async for change in changes:
            async for shipment in context.resent(partial(_matching, context, query, change)):
                if shipment is None or sent.get(shipment.seen.key) == shipment.updated_at:
                    continue
                if len(sent) >= MAX_REMEMBERED:
                    sent.clear()
                sent[shipment.seen.key] = shipment.updated_at
                yield shipment
                if context.was_interrupted:
                    del sent[shipment.seen.key]


async def _matching(context: Context, query: ShipmentQuery, change: ShipmentChange) -> Shipment | None:
    """The shipment now, if the viewer may see it and it matched before or matches after."""
    if query.statuses is not None and not change.statuses & set(map(str, query.statuses)):
        return None
    reads = context.fresh_reads()
    seen = await reads.shipment.load((change.order_id, change.number))
    if seen is None or not query.concerns(seen):
        return None
    return Shipment.of(reads, seen)
