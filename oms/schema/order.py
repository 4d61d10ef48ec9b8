"""Orders, as far as each role may see them."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Annotated, Self

import strawberry

from oms.domain.access.permissions import may
from oms.domain.amendments.policy import AmendmentPermission
from oms.domain.amendments.rules import can_accept
from oms.domain.cancellation.policy import CancellationPermission
from oms.domain.cancellation.rules import can_cancel
from oms.domain.order import model
from oms.domain.order.model import Line
from oms.domain.order_queries import lists, orders
from oms.domain.order_queries.includes import ORDER_ONLY, Includes
from oms.domain.order_queries.lists import OrderQuery
from oms.domain.order_queries.orders import SeenOrder
from oms.domain.order_queries.timeline import Section, seq_of
from oms.domain.vocabulary.errors import InputReason, refused
from oms.domain.vocabulary.ids import line_id, order_id, parse_customer, parse_order
from oms.domain.vocabulary.paging import Page, check_first
from oms.schema.runtime.connections import PAGE, Connection, Node, connection, size
from oms.schema.runtime.context import Info
from oms.schema.runtime.enums import OrderSort, OrderStatus
from oms.schema.runtime.fields import field
from oms.schema.runtime.money import Money, money
from oms.schema.runtime.reads import Reads
from oms.schema.runtime.scalars import Instant
from oms.schema.runtime.selection import EVENTS, includes_of
from oms.schema.shipments import Shipment
from oms.schema.timeline import OrderEvent
from oms.schema.work import Work

if TYPE_CHECKING:
    from oms.schema.customers import Customer


@strawberry.type
class OrderLine:
    """What was ordered of one SKU."""

    reads: strawberry.Private[Reads]
    id: strawberry.ID
    sku: str
    quantity: int
    unavailable_quantity: int | None = strawberry.field(
        description=(
            "How many of quantity could be allocated to no warehouse; null while the order is PENDING."
            " A shortage of a SKU on several lines falls on the last of them first."
        )
    )
    unit_price: Money | None = strawberry.field(description="Null for couriers.")

    @field("The product's name in the catalogue as it is now, or its SKU where it has none.")
    async def name(self) -> str:
        return await self.reads.name_of(self.sku)


@strawberry.type
class Address:
    """Where an order goes."""

    name: str | None
    line1: str | None
    line2: str | None
    city: str | None
    region: str | None
    postal_code: str | None
    country: str | None

    @classmethod
    def of(cls, parts: Mapping[str, str | None]) -> Self:
        return cls(
            name=parts.get("name"),
            line1=parts.get("line1"),
            line2=parts.get("line2"),
            city=parts.get("city"),
            region=parts.get("region"),
            postal_code=parts.get("postalCode"),
            country=parts.get("country"),
        )


@strawberry.type
class Order(Node):
    """As `seen`; what it did not read comes from `reads`."""

    reads: strawberry.Private[Reads]
    seen: strawberry.Private[SeenOrder]
    reference: str = strawberry.field(description="The caller's own unique order number, as given to placeOrder.")
    status: OrderStatus
    placed_at: Instant
    closed_at: Instant | None = strawberry.field(description="Set once the status is final.")
    action_deadline: Instant | None = strawberry.field(
        description="While CUSTOMER_ACTION_REQUIRED: when the order will time out."
    )

    @classmethod
    def of(cls, reads: Reads, seen: SeenOrder) -> Self:
        order = seen.order
        return cls(
            id=strawberry.ID(order_id(order.id)),
            reads=reads,
            seen=seen,
            reference=order.reference,
            status=order.status,
            placed_at=Instant(order.placed_at),
            closed_at=Instant(order.closed_at) if order.closed_at else None,
            action_deadline=Instant(order.action_deadline) if order.action_deadline else None,
        )

    @field("Null for couriers.")
    def customer(self) -> Annotated["Customer", strawberry.lazy("oms.schema.customers")] | None:
        from oms.schema.customers import Customer  # noqa: PLC0415 - each of the two types has the other as a field

        order = self.seen.order
        return Customer.of(self.reads, order.customer_id, order.customer_reference)

    @strawberry.field
    async def lines(self) -> list[OrderLine]:
        return [self._line(line) for line in self.reads.counted(await self.reads.lines.load(self.seen.order.id))]

    def _line(self, line: Line) -> OrderLine:
        order = self.seen.order
        return OrderLine(
            reads=self.reads,
            id=strawberry.ID(line_id(order.id, line.number)),
            sku=line.sku,
            quantity=line.quantity,
            unavailable_quantity=None if order.status == OrderStatus.PENDING else line.unavailable,
            unit_price=money(line.unit_price_minor, order.currency),
        )

    @strawberry.field
    async def shipments(self) -> list[Shipment]:
        self.reads.order_of_shipment.prime(self.seen.order.id, self.seen)
        return [Shipment.of(self.reads, seen) for seen in await self.reads.shipments.load(self.seen.order.id)]

    async def whole(self) -> model.Order:
        """With the shipments that the viewer may see, for the rules to judge."""
        order = self.seen.order
        if not order.shipments:
            order.shipments = [each.shipment for each in await self.reads.shipments.load(order.id)]
        return order

    @field(
        "The sum over shipments that are not cancelled or failed; null while there is none or one of them is"
        " not invoiced, and for couriers."
    )
    async def total(self) -> Money | None:
        minor = (await self.whole()).total_minor
        return None if minor is None else money(minor, self.seen.order.currency)

    @strawberry.field
    def shipping_address(self) -> Address | None:
        parts = self.seen.order.details.shipping_address
        return Address.of(parts) if parts else None

    @field("What the viewer may do now: role, ownership and state taken together.")
    async def viewer_can_accept_amendment(self) -> bool:
        return may(self.reads.viewer, AmendmentPermission.ACCEPT_AMENDMENT) and can_accept(
            await self.whole(), at=self.seen.at
        )

    @strawberry.field
    async def viewer_can_cancel(self) -> bool:
        return may(self.reads.viewer, CancellationPermission.CANCEL_ORDER) and can_cancel(await self.whole())

    @field("What is left to be done, what is parked first. Null for all but managers and support.")
    async def work(self) -> list[Work] | None:
        return [Work.of(self.reads, seen) for seen in await self.reads.work.load(self.seen.order.id)]

    @field("What happened to the order and its shipments, oldest first: the audit trail.")
    async def events(self, first: int | None = EVENTS, after: str | None = None) -> Connection[OrderEvent]:
        order = self.seen.order
        limit = check_first(size(first, EVENTS))
        stretch = Section(order.id, seq_of(after), limit + 1)
        return connection(
            Page.of(await self.reads.events.load(stretch), limit),
            after=after,
            cursor=lambda event: str(event.seq),
            node=lambda event: OrderEvent.of(self.reads, order, event),
        )


@strawberry.input
class OrderFilter:
    """Which orders; what is left out does not matter, an empty list of statuses matches nothing."""

    customer_id: strawberry.ID | None = None
    status: list[OrderStatus] | None = None
    placed_from: Instant | None = strawberry.field(default=None, description="Inclusive.")
    placed_to: Instant | None = strawberry.field(default=None, description="Exclusive.")
    open_or_closed_since: Instant | None = strawberry.field(
        default=None, description="Those that are open, and those that were closed at this instant or later."
    )


def query_of(asked: OrderFilter | None, search: str | None) -> OrderQuery | None:
    """None where no order can answer it, because no customer has such an id."""
    if asked is None:
        return OrderQuery(search=search)
    customer = parse_customer(asked.customer_id) if asked.customer_id is not None else None
    if asked.customer_id is not None and customer is None:
        return None
    statuses = frozenset(asked.status) if asked.status is not None else None
    return OrderQuery(customer, statuses, asked.placed_from, asked.placed_to, search, asked.open_or_closed_since)


def connected(
    reads: Reads, page: Page[SeenOrder], after: str | None, sort: OrderSort = OrderSort.NEWEST_FIRST
) -> Connection[Order]:
    waiting = sort == OrderSort.WAITING_LONGEST
    return connection(
        page,
        after=after,
        cursor=lambda seen: seen.waiting_cursor if waiting else seen.cursor,
        node=lambda seen: Order.of(reads, reads.remember(seen)),
    )


async def order_of_id(reads: Reads, text: str, includes: Includes = ORDER_ONLY) -> Order | None:
    """None for a malformed id, and for what does not exist or the viewer may not see."""
    key = parse_order(text)
    seen = await reads.order_with.load((key, includes)) if key else None
    return Order.of(reads, seen) if seen else None


@strawberry.type
class OrderQueries:
    """Reading orders."""

    @field("By id or by reference: exactly one of them. Null when there is none that the viewer may see.")
    async def order(
        self,
        info: Info,
        id: strawberry.ID | None = None,  # noqa: A002 - the contract's name
        reference: str | None = None,
    ) -> Order | None:
        reads = info.context.reads
        if id is not None and reference is None:
            return await order_of_id(reads, id, includes_of(info))
        if reference is None or id is not None:
            raise refused(InputReason.GIVE_EXACTLY_ONE, "Give either id or reference, and not both.", "id")
        seen = await orders.of_reference(reads.db, reads.viewer, reference, includes_of(info))
        return Order.of(reads, reads.remember(seen)) if seen else None

    @field(
        "Newest first, first at most 100. search matches a whole order, customer or tracking reference, the"
        " start of an order reference, or a SKU."
    )
    async def orders(
        self,
        info: Info,
        first: int | None = PAGE,
        after: str | None = None,
        filter: OrderFilter | None = None,  # noqa: A002 - the contract's name
        search: str | None = None,
        sort: OrderSort = OrderSort.NEWEST_FIRST,
    ) -> Connection[Order]:
        reads, query = info.context.reads, query_of(filter, search)
        if query is None:
            return connected(reads, Page((), more=False), after)
        includes = includes_of(info, "nodes.", "edges.node.")
        page = await lists.page(
            reads.db, reads.viewer, query, first=size(first), after=after, sort=sort, includes=includes
        )
        return connected(reads, page, after, sort)
