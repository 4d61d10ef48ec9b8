"""Orders, as far as each role may see them."""

from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing
from functools import partial
from typing import Annotated, Final, Self
from uuid import UUID

import strawberry
from strawberry import Parent

from oms.domain.billing.rules import is_settled
from oms.domain.customers.policy import CustomerPermission
from oms.domain.order import model
from oms.domain.order.model import ORDER, Line, OrderStatus
from oms.domain.order.policy import OrderPermission, OrderReason
from oms.domain.order.sums import OrderSums
from oms.domain.order_queries import lists
from oms.domain.order_queries import orders as order_queries
from oms.domain.order_queries.finding.selection import OrderQuery
from oms.domain.order_queries.includes import ORDER_ONLY, Includes
from oms.domain.order_queries.lists import OrderSort
from oms.domain.order_queries.orders import CustomerPage, SeenOrder, reference_for
from oms.domain.vocabulary.errors import InputReason, refused
from oms.domain.vocabulary.ids import NO_ID, line_id, order_id, parse_customer, parse_order
from oms.domain.vocabulary.paging import Page
from oms.domain.vocabulary.wording import wording
from oms.schema.customers import Customer
from oms.schema.fulfilment import Shipment
from oms.schema.order_details import OrderDetailsFields
from oms.schema.runtime.connections import PAGE, After, Connection, First, Node, connection, node_reader, size
from oms.schema.runtime.context import Context, Info
from oms.schema.runtime.enums import described, meanings
from oms.schema.runtime.errors import UserError
from oms.schema.runtime.fields import (
    NOTHING_MORE,
    argument,
    attribute,
    extends,
    field,
    input_type,
    object_type,
    subscription,
)
from oms.schema.runtime.includes import includes_of
from oms.schema.runtime.money import Money, money
from oms.schema.runtime.reading.reads import BatchRead, Reads
from oms.schema.runtime.scalars import Instant

READ_ORDER: Final = OrderPermission.READ_ORDER
OrderId = Annotated[strawberry.ID, argument("The order's id.")]

SEARCH: Final = 500
"""The cost of a search: at worst it reads 10,000 rows of an index for each word, and looks at 900 orders."""

described(OrderStatus, "OrderStatus", "How far an order has come.", meanings(ORDER))
described(
    OrderSort,
    "OrderSort",
    "Which orders of a list come first.",
    {
        OrderSort.NEWEST_FIRST: "By when they were placed, the newest first.",
        OrderSort.OLDEST_FIRST: "By when they were placed, the oldest first.",
        OrderSort.WAITING_LONGEST: (
            "Open ones first, those placed first before the others;"
            " then closed ones, those closed last before the others."
        ),
        OrderSort.LARGEST_TOTAL: (
            "By currency, and within it the largest total first; orders without a total are last. The filter must leave"
            " at most 10,000 orders."
        ),
    },
)


SEARCHED: Final = (
    "At most 8 words, each of which the order must have; in any case, without accents. A word is the beginning of an"
    " order, customer, tracking or invoice number, of an e-mail address, of a word of the customer's name or city, of a"
    " postal code, a SKU, a word of a product's name, or an id; or a telephone number or its last digits. If the words"
    " are in very many orders, a page may be shorter than first although more follow."
)


@object_type()
class OrderLine:
    """The ordered quantity of one SKU."""

    reads: strawberry.Private[Reads]
    id: strawberry.ID = attribute("Opaque.", needs=READ_ORDER)
    sku: str = attribute("Stock keeping unit: the product's code.", needs=READ_ORDER)
    quantity: int = attribute("Units ordered.", needs=READ_ORDER)
    unavailable_quantity: int | None = attribute(
        "How many of quantity could be allocated to no warehouse; null while the order is PENDING."
        " A shortage of a SKU on several lines falls on the last of them first.",
        needs=READ_ORDER,
    )
    unit_price: Money | None = attribute("Null for couriers.", needs=OrderPermission.READ_MONEY)

    @field("The product's name in the catalogue as it is now, or its SKU where it has none.", needs=READ_ORDER)
    async def name(self) -> str:
        return await self.reads.name_of(self.sku)


@object_type(needs=OrderPermission.READ_MONEY)
class OrderMoney:
    """What the order comes to, what was paid for it, and what is still to be paid or given back.

    subtotal - discount + shipping + tax is of the invoices of shipments that are neither cancelled nor failed. Once
    each of them has its invoice, it is paid + open - toRefund.
    """

    ordered: Money = attribute("All units ordered at their prices, also those that are unavailable.")
    subtotal: Money = attribute("Of the lines of these invoices, without discount and tax.")
    discount: Money = attribute("Of these invoices, to be subtracted.")
    shipping: Money = attribute("Of these invoices.")
    tax: Money = attribute("Of these invoices.")
    invoiced: Money = attribute("Of all invoices, also of shipments that were cancelled or failed since.")
    paid: Money = attribute("Charged and not refunded.")
    refunded: Money = attribute("Paid back, of all shipments.")
    open: Money = attribute("Invoiced and not charged yet.")
    to_refund: Money = attribute("Charged for a shipment that was cancelled or failed since, and not refunded yet.")

    @classmethod
    def of(cls, lines: Sequence[Line], sums: OrderSums, currency: str) -> Self:
        return cls(
            ordered=money(sum(line.quantity * line.unit_price_minor for line in lines), currency),
            subtotal=money(sums.subtotal_minor, currency),
            discount=money(sums.discount_minor, currency),
            shipping=money(sums.shipping_minor, currency),
            tax=money(sums.tax_minor, currency),
            invoiced=money(sums.invoiced_minor, currency),
            paid=money(sums.paid_minor, currency),
            refunded=money(sums.refunded_minor, currency),
            open=money(sums.open_minor, currency),
            to_refund=money(sums.to_refund_minor, currency),
        )


@object_type(listed=OrderPermission.READ_ORDERS, entry=READ_ORDER)
class Order(Node, OrderDetailsFields):
    """What a customer ordered, from placing until it is closed."""

    reads: strawberry.Private[Reads]
    id: strawberry.ID = attribute("Opaque and globally unique.", needs=READ_ORDER)
    reference: str = attribute("The caller's own unique order number, as given to placeOrder.", needs=READ_ORDER)
    status: OrderStatus = attribute("How far it has come.", needs=READ_ORDER)
    placed_at: Instant = attribute("When it was accepted.", needs=READ_ORDER)
    closed_at: Instant | None = attribute("Set once the status is final.", needs=READ_ORDER)
    action_deadline: Instant | None = attribute(
        "While CUSTOMER_ACTION_REQUIRED: when the order will time out.", needs=READ_ORDER
    )

    @classmethod
    def of(cls, reads: Reads, seen: SeenOrder) -> Self:
        order = seen.order
        return cls(
            id=strawberry.ID(order_id(order.id)),
            reads=reads,
            seen=seen,
            reference=reference_for(reads.viewer, order),
            status=order.status,
            placed_at=Instant(order.placed_at),
            closed_at=Instant(order.closed_at) if order.closed_at else None,
            action_deadline=Instant(order.action_deadline) if order.action_deadline else None,
        )

    @field(
        "Unique in the shop: as a SERVICE gave it, or by the server for what a customer placed. All but that customer"
        " read it as reference, too.",
        needs=READ_ORDER,
    )
    def shop_reference(self) -> str:
        return self.seen.order.reference

    @field(
        "What its customer calls it, if they placed it themselves: unique among their own orders. It finds the order"
        " for them, and for staff if no other order is called so. Null for couriers.",
        needs=CustomerPermission.READ_CUSTOMER,
    )
    def own_reference(self) -> str | None:
        return self.seen.order.own_reference

    @field("Null for couriers.", needs=CustomerPermission.READ_CUSTOMER)
    def customer(self) -> Customer | None:
        order = self.seen.order
        return Customer.of(self.reads, order.customer_id, order.customer_reference)

    @field("What was ordered, in the order of the cart.", needs=READ_ORDER)
    async def lines(self) -> list[OrderLine]:
        return [self._line(line) for line in await self.reads.counted(await self.reads.lines.load(self.seen.order.id))]

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

    @field("How it is sent; empty until items are allocated. A courier sees their own only.", needs=READ_ORDER)
    async def shipments(self) -> list[Shipment]:
        self.reads.order_of_shipment.prime(self.seen.order.id, self.seen)
        return [Shipment.of(self.reads, seen) for seen in await self.reads.shipments.load(self.seen.order.id)]

    async def whole(self) -> model.Order:
        """With the shipments that the viewer may see, as the rules need it."""
        order = self.seen.order
        if not order.shipments:
            order.shipments = [each.shipment for each in await self.reads.shipments.load(order.id)]
        return order

    @field(
        "The sum over shipments that are not cancelled or failed; null while there is none or one of them is"
        " not invoiced, and for couriers.",
        needs=OrderPermission.READ_MONEY,
    )
    async def total(self) -> Money | None:
        minor = (await self.whole()).total_minor
        return None if minor is None else money(minor, self.seen.order.currency)

    @field("Its sums of money. Null for couriers.", needs=OrderPermission.READ_MONEY)
    async def money(self) -> OrderMoney | None:
        order = await self.whole()
        return OrderMoney.of(await self.reads.lines.load(order.id), OrderSums.of(order.shipments), order.currency)


@extends(Shipment, "What it is a part of.", needs=READ_ORDER)
async def order(shipment: Parent[Shipment]) -> Order:
    seen = await shipment.reads.order_of_shipment.load(shipment.seen.shipment.order_id)
    if seen is None:
        raise LookupError("a shipment without its order")
    return Order.of(shipment.reads, seen)


SORT: Final = 100
"""The price of a list's `sort`: the database may have to compute the totals of 10,000 orders."""

_NO_ORDERS: Final[Page[SeenOrder]] = Page((), more=False)
ORDERS_OF_CUSTOMER: Final = BatchRead(order_queries.pages_of_customers, _NO_ORDERS)


@extends(Customer, "Newest first.", needs=OrderPermission.READ_ORDERS)
async def orders(customer: Parent[Customer], first: First = PAGE, after: After = None) -> Connection[Order]:
    page = await customer.reads.load(ORDERS_OF_CUSTOMER, CustomerPage(customer.reference, size(first), after))
    return _connection(customer.reads, page, after)


@input_type
class OrderFilter:
    """Absent conditions do not restrict; an empty list of statuses matches nothing."""

    customer_id: strawberry.ID | None = attribute("Only orders of this customer.", default=None)
    status: list[OrderStatus] | None = attribute("Only orders in one of these.", default=None)
    placed_from: Instant | None = attribute(default=None, description="Inclusive.")
    placed_to: Instant | None = attribute(default=None, description="Exclusive.")
    open_or_closed_since: Instant | None = attribute(
        default=None, description="Those that are open, and those that were closed at this instant or later."
    )
    needs_attention: bool | None = attribute(
        default=None,
        description="True: only those with a step that kept failing and waits for support. For managers and support.",
    )
    ids: list[strawberry.ID] | None = attribute(
        default=None, description="Only these orders, at most 100; an id that is no order's matches nothing."
    )


def query_of(given: OrderFilter | None, search: str | None = None) -> OrderQuery | None:
    """None if nothing can match, because the customer's id is malformed."""
    if given is None:
        return OrderQuery(search=search)
    customer = parse_customer(given.customer_id) if given.customer_id is not None else None
    if given.customer_id is not None and customer is None:
        return None
    statuses = frozenset(given.status) if given.status is not None else None
    return OrderQuery(
        customer,
        statuses,
        given.placed_from,
        given.placed_to,
        search,
        given.open_or_closed_since,
        given.needs_attention is True,
        None if given.ids is None else frozenset(key for each in given.ids if (key := parse_order(each))),
    )


def _connection(
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
    """None for a malformed id, and for an order that does not exist or that the viewer may not see."""
    key = parse_order(text)
    seen = await reads.order_with.load((key, includes)) if key else None
    return Order.of(reads, seen) if seen else None


@node_reader
async def order_node(reads: Reads, text: str) -> Order | None:
    return await order_of_id(reads, text)


@strawberry.type
class Queries:
    """Queries of orders."""

    @field(
        "By id or by reference: exactly one of them. Null when there is none that the viewer may see.",
        needs=READ_ORDER,
    )
    async def order(
        self,
        info: Info,
        id: Annotated[strawberry.ID | None, argument("The order's id.")] = None,  # noqa: A002 - the contract's name
        reference: Annotated[
            str | None, argument("The order's reference. A customer finds their own orders only.")
        ] = None,
    ) -> Order | None:
        reads = info.context.reads
        if id is not None and reference is None:
            return await order_of_id(reads, id, includes_of(info))
        if reference is None or id is not None:
            raise refused(InputReason.GIVE_EXACTLY_ONE, wording("Give either id or reference, and not both."), "id")
        seen = await order_queries.of_reference(reads.db, reads.viewer, reference, includes_of(info))
        return Order.of(reads, reads.remember(seen)) if seen else None

    @field(
        "Newest first, first at most 100. search matches a whole order, customer or tracking reference, the"
        " start of an order reference, or a SKU.",
        needs=OrderPermission.READ_ORDERS,
        costs={"sort": SORT, "search": SEARCH},
    )
    async def orders(
        self,
        info: Info,
        first: First = PAGE,
        after: After = None,
        filter: Annotated[OrderFilter | None, argument("Without it all that the viewer may see.")] = None,  # noqa: A002 - the contract's name
        search: Annotated[str | None, argument(SEARCHED)] = None,
        sort: Annotated[OrderSort, argument("Which orders come first.")] = OrderSort.NEWEST_FIRST,
    ) -> Connection[Order]:
        reads, query = info.context.reads, query_of(filter, search)
        if query is None:
            return _connection(reads, Page((), more=False), after)
        includes = includes_of(info, "nodes.", "edges.node.")
        page = await lists.page(
            reads.db, reads.viewer, query, first=size(first), after=after, sort=sort, includes=includes
        )
        return _connection(reads, page, after, sort)


@object_type(needs=NOTHING_MORE)
class OrderPayload:
    """The order now, or why nothing was done."""

    reads: strawberry.Private[Reads]
    key: strawberry.Private[UUID | None]
    user_errors: list[UserError] = attribute("Why nothing was done; empty if it was.")

    @field("As it is after the command; null with any error.", needs=READ_ORDER)
    async def order(self) -> Order | None:
        seen = await self.reads.order.load(self.key) if self.key else None
        return Order.of(self.reads, seen) if seen else None

    @classmethod
    def of(cls, info: Info, outcome: tuple[str | None, list[UserError]]) -> Self:
        """`outcome`: of run_command, with the order's id."""
        key, errors = outcome
        return cls(reads=info.context.fresh_reads(), key=UUID(hex=key) if key else None, user_errors=errors)


def order_key(text: str) -> UUID:
    """For a malformed id, the key of no order: the result is the same."""
    return parse_order(text) or NO_ID


@strawberry.type
class Subscriptions:
    """Live orders; refused before they start if the viewer may not see the order."""

    @subscription(
        "The order at once, and its latest state after every change of it or its shipments (close changes may"
        " merge); completes when the status is final and no refund is due.",
        needs=READ_ORDER,
    )
    async def order_updated(self, info: Info, order_id: OrderId) -> AsyncGenerator[Order, None]:
        return _states(info.context, await visible_order(info.context, order_id))


async def visible_order(context: Context, text: str) -> UUID:
    """The key of an order that the viewer may see. Raises Refused(NOT_FOUND)."""
    key = order_key(text)
    if await context.fresh_reads().order.load(key) is None:
        raise refused(OrderReason.ORDER_NOT_FOUND, wording("There is no such order."), "orderId")
    return key


async def _states(context: Context, key: UUID) -> AsyncGenerator[Order, None]:
    """Also ends when the viewer may not see the order any more, e.g. a courier whose shipment failed."""
    async with aclosing(context.live.order(key)) as notifications:
        async for _ in notifications:
            async for order in context.resent(partial(visible_now, context, key)):
                if order is None:
                    return
                yield order
                whole = order.seen.order
                if whole.is_final and is_settled(whole) and not context.was_interrupted:
                    return


async def visible_now(context: Context, key: UUID) -> Order | None:
    """The order, whole; None if the viewer may not see it any more."""
    reads = context.fresh_reads()
    seen = await reads.order.load(key)
    if seen is None:
        return None
    order = Order.of(reads, seen)
    await order.whole()
    return order
