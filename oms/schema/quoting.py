"""Quotes: what an order comes to, before it is placed or charged."""

from collections.abc import Awaitable
from typing import Annotated, Final, Self

import strawberry

from oms.domain.allocation.rules import HoldLimit
from oms.domain.order.model import Line
from oms.domain.order.payment import Cost
from oms.domain.order.policy import OrderPermission
from oms.domain.placing.policy import PlacingPermission
from oms.domain.placing.request import LineRequest, OrderRequest
from oms.domain.quoting import queries
from oms.domain.quoting.policy import QuotingReason
from oms.domain.quoting.rules import Prospect
from oms.domain.vocabulary.errors import AccessReason, Refused, refused
from oms.domain.vocabulary.wording import wording
from oms.providers.ports import ProviderUnavailable, QuoteRequest, RequestRejected, bill_lines
from oms.schema.order import OrderId, order_key
from oms.schema.placing import OrderLineInput
from oms.schema.runtime.context import Context, Info
from oms.schema.runtime.errors import UserError, user_errors
from oms.schema.runtime.fields import NOTHING_MORE, argument, attribute, field, input_type, object_type
from oms.schema.runtime.money import Money, money
from oms.schema.runtime.reading.reads import Reads
from oms.schema.runtime.scalars import CurrencyCode

QUOTE: Final = 1_000
"""The cost of a quote: it plans shipments and calls the billing system."""

QUOTE_PLACED: Final = 400
"""Its shipments are planned already, and most have an invoice; at most one call of the billing system."""

_NOT_FOR_THE_ROLE: Final = frozenset({AccessReason.ROLE_NOT_ALLOWED, AccessReason.TOKEN_NOT_ALLOWED})

_REFERENCE: Final = "quote"
"""Stands for the reference that the order would get: a quote has none."""


@object_type(needs=NOTHING_MORE)
class QuoteLine:
    """One line of an order with its quote."""

    reads: strawberry.Private[Reads]
    sku: str = attribute("The product's SKU.")
    quantity: int = attribute("Units ordered.")
    unavailable_quantity: int = attribute("How many of them no warehouse has; they are not charged.")
    unit_price: Money = attribute("The price of one unit, without tax.")
    subtotal: Money = attribute("Available units times price, without tax.")

    @field("The product's name in the catalogue, or its SKU.", needs=NOTHING_MORE)
    async def name(self) -> str:
        return await self.reads.name_of(self.sku)

    @classmethod
    def of(cls, reads: Reads, line: Line, currency: str) -> Self:
        return cls(
            reads=reads,
            sku=line.sku,
            quantity=line.quantity,
            unavailable_quantity=line.unavailable,
            unit_price=money(line.unit_price_minor, currency),
            subtotal=money((line.quantity - line.unavailable) * line.unit_price_minor, currency),
        )


@object_type(needs=NOTHING_MORE)
class Quote:
    """What an order comes to: total = subtotal - discount + tax + shipping, over its shipments."""

    subtotal: Money = attribute("The available items, without tax.")
    discount: Money = attribute("What is taken off.")
    tax: Money = attribute("Tax on the items.")
    shipping: Money = attribute("Shipping of all shipments.")
    total: Money = attribute("What the customer pays.")
    shipments: int = attribute("How many shipments it comes in.")
    lines: list[QuoteLine] = attribute("The order's lines, in their order.")

    @classmethod
    async def of(cls, reads: Reads, prospect: Prospect, cost: Cost) -> Self:
        currency, lines = prospect.order.currency, await reads.counted(prospect.order.lines)
        return cls(
            subtotal=money(cost.subtotal_minor, currency),
            discount=money(cost.discount_minor, currency),
            tax=money(cost.tax_minor, currency),
            shipping=money(cost.shipping_minor, currency),
            total=money(cost.total_minor, currency),
            shipments=len(prospect.shipments),
            lines=[QuoteLine.of(reads, line, currency) for line in lines],
        )


@object_type(needs=NOTHING_MORE)
class QuotePayload:
    """The quote, or why there is none."""

    quote: Quote | None = attribute("Null with any error.")
    user_errors: list[UserError] = attribute("As placing the order would give them.")


@input_type
class QuoteInput:
    """What would be ordered, for whom."""

    lines: list[OrderLineInput] = attribute(description="As in an order.")
    customer_reference: str | None = attribute(
        default=None, description="The customer's reference. Optional for a customer, who may only ask for themself."
    )
    currency: CurrencyCode | None = attribute(default=None, description="As in an order.")

    def request(self, context: Context) -> OrderRequest:
        own = context.viewer.customer_reference or _REFERENCE
        return OrderRequest(
            reference=_REFERENCE,
            customer_reference=own if self.customer_reference is None else self.customer_reference,
            lines=tuple(LineRequest(line.sku, line.quantity, line.unit_price) for line in self.lines),
            payment_method=context.default_payment_method,
            currency=self.currency,
        )


@strawberry.type
class Queries:
    """Queries of costs."""

    @field(
        "What an order would come to if it were placed and allocated now; stock may change until then. With the same"
        " errors as placeOrder. For customers and services.",
        needs=PlacingPermission.PLACE_ORDER,
        costs={"input": QUOTE},
    )
    async def quote_order(
        self,
        info: Info,
        input: Annotated[QuoteInput, argument("What would be ordered.")],  # noqa: A002 - as placeOrder calls it
    ) -> QuotePayload:
        context = info.context
        hold: HoldLimit = context.hold
        request = input.request(context)
        return await _quoted(
            context,
            queries.of_request(context.db, context.viewer, request, limits=context.placing_limits, hold=hold),
        )

    @field(
        "What a placed order comes to: its invoices, and what shipments without one would be invoiced at now. Those"
        " cancelled or failed are left out. Of an amended order it is what accepting it comes to.",
        needs=OrderPermission.READ_MONEY,
        costs={"orderId": QUOTE_PLACED},
    )
    async def quote_placed_order(self, info: Info, order_id: OrderId) -> QuotePayload:
        context = info.context
        return await _quoted(context, queries.of_order(context.db, context.viewer, order_key(order_id)))


async def _quoted(context: Context, found: Awaitable[Prospect]) -> QuotePayload:
    try:
        prospect = await found
        cost = prospect.cost(await priced(context, prospect))
        return QuotePayload(quote=await Quote.of(context.reads, prospect, cost), user_errors=[])
    except Refused as refusal:
        if any(problem.reason in _NOT_FOR_THE_ROLE for problem in refusal.problems):
            raise
        return QuotePayload(quote=None, user_errors=user_errors(refusal))


async def priced(context: Context, prospect: Prospect) -> tuple[Cost, ...]:
    """The costs of the shipments that have no invoice. Raises Refused if the billing system tells none."""
    shipments = tuple(bill_lines(shipment.items, prospect.tax_bps) for shipment in prospect.to_price)
    if not shipments:
        return ()
    try:
        return (await context.quotes.quote(QuoteRequest(prospect.order.currency, shipments))).shipments
    except ProviderUnavailable as error:
        message = wording("Tax and shipping can't be calculated at the moment; try again in a minute.")
        raise refused(QuotingReason.PRICES_UNAVAILABLE, message) from error
    except RequestRejected as error:
        message = wording(
            "The billing system can't bill this order: order fewer units, or split it into several orders."
        )
        raise refused(QuotingReason.NOT_BILLABLE, message, "lines") from error
