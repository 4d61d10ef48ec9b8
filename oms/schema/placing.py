"""What is done with orders: placing, accepting, cancelling."""

from typing import Any, Final
from uuid import UUID

import strawberry

from oms.domain.amendments import commands as amendments
from oms.domain.cancellation import commands as cancellation
from oms.domain.concept.registry import registered
from oms.domain.order.details import OrderDetails
from oms.domain.placing import commands
from oms.domain.placing.commands import Placed
from oms.domain.placing.request import LineRequest, OrderRequest
from oms.domain.vocabulary import ids
from oms.domain.vocabulary.errors import InputReason, Problem, Refused
from oms.platform.db import Tx
from oms.schema.order import Order
from oms.schema.runtime.commands import carry_out, run_batched
from oms.schema.runtime.context import Context, Info
from oms.schema.runtime.errors import UserError, user_errors
from oms.schema.runtime.fields import mutation
from oms.schema.runtime.reads import Reads
from oms.schema.runtime.scalars import CurrencyCode, MinorUnits

MAX_ORDERS: Final = 1000


@strawberry.input
class OrderLineInput:
    """What is ordered of one SKU."""

    sku: str
    quantity: int
    unit_price: MinorUnits | None = strawberry.field(
        default=None,
        description="The price agreed upstream. Only a SERVICE may give it; without it the catalogue price holds.",
    )


@strawberry.input
class AddressInput:
    """Where an order goes."""

    name: str | None = None
    line1: str | None = None
    line2: str | None = None
    city: str | None = None
    region: str | None = None
    postal_code: str | None = None
    country: str | None = strawberry.field(default=None, description="ISO 3166-1 alpha-2.")

    def parts(self) -> dict[str, str | None]:
        """By the contract's names."""
        return {
            "name": self.name,
            "line1": self.line1,
            "line2": self.line2,
            "city": self.city,
            "region": self.region,
            "postalCode": self.postal_code,
            "country": self.country,
        }


@strawberry.input
class PlaceOrderInput:
    """An order as a cart asks for it."""

    reference: str = strawberry.field(
        description=(
            "Unique in the shop. The same order again (same customer, lines and prices as given, in any order of"
            " fields) returns the first one and places nothing; a different one is DUPLICATE."
        )
    )
    lines: list[OrderLineInput]
    customer_reference: str | None = strawberry.field(
        default=None,
        description=(
            "The customer's reference; a new one makes a new customer. Optional for a customer, who may only order"
            " for themself."
        ),
    )
    currency: CurrencyCode | None = None
    payment_method: str | None = strawberry.field(
        default=None,
        description=(
            "A token from the payment provider. The sandbox knows sandbox-ok (the default) and sandbox-declined."
        ),
    )
    email: str | None = strawberry.field(default=None, description="Where confirmations go.")
    shipping_address: AddressInput | None = None

    def request(self, context: Context) -> OrderRequest:
        """For the viewer; who is no customer has to say whom the order is for."""
        own = context.viewer.customer_reference or ""
        return OrderRequest(
            self.reference,
            own if self.customer_reference is None else self.customer_reference,
            tuple(LineRequest(line.sku, line.quantity, line.unit_price) for line in self.lines),
            context.default_payment_method if self.payment_method is None else self.payment_method,
            self.currency,
            OrderDetails(self.email, self.shipping_address.parts() if self.shipping_address else None),
        )


@strawberry.type
class OrderPayload:
    """The order as it now is, or why nothing was done."""

    reads: strawberry.Private[Reads]
    key: strawberry.Private[UUID | None]
    user_errors: list[UserError]

    @strawberry.field
    async def order(self) -> Order | None:
        seen = await self.reads.order.load(self.key) if self.key else None
        return Order.of(self.reads, seen) if seen else None

    @classmethod
    def of(cls, info: Info, outcome: tuple[str | None, list[UserError]]) -> "OrderPayload":
        key, errors = outcome
        return cls(reads=info.context.fresh_reads(), key=UUID(hex=key) if key else None, user_errors=errors)


@strawberry.type(description="One entry for each input order, in the same order.")
class PlaceOrdersPayload:
    """How each order of a request ended."""

    results: list[OrderPayload]
    user_errors: list[UserError] = strawberry.field(
        description="About the request as a whole, e.g. more than 1000 orders; then results is empty."
    )


class _NonePlaced(Exception):
    """Nothing happened, so there is nothing to remember under the request's key."""

    def __init__(self, results: list[Any]) -> None:
        super().__init__("no order of the request was placed")
        self.results = results


@strawberry.type
class OrderMutations:
    """What is done with orders."""

    @mutation("Durable when it answers: the order will be processed, whatever crashes next.")
    async def place_order(self, info: Info, input: PlaceOrderInput) -> OrderPayload:  # noqa: A002
        done, errors = await run_batched(info, info.context.batched.place, input.request(info.context))
        reads = info.context.fresh_reads()
        if done and done.result and done.result.order:
            reads.just_placed(done.result.order)
        return OrderPayload(reads=reads, key=UUID(hex=done.subject) if done else None, user_errors=errors)

    @mutation("Up to 1000 orders at once; each is placed, or refused with its own errors, independently of the others.")
    async def place_orders(self, info: Info, inputs: list[PlaceOrderInput]) -> PlaceOrdersPayload:
        if len(inputs) > MAX_ORDERS:
            message = f"{len(inputs)} orders; send at most {MAX_ORDERS} at once."
            refusal = Refused(Problem(InputReason.TOO_MANY, message, ("inputs",)))
            return PlaceOrdersPayload(results=[], user_errors=user_errors(refusal))

        async def act(tx: Tx) -> list[Any]:
            asked = [(info.context.viewer, each.request(info.context)) for each in inputs]
            results = [_remembered(placed) for placed in await commands.place(tx, asked)]
            if not any(isinstance(result, str) for result in results):
                raise _NonePlaced(results)
            return results

        try:
            results, errors = await carry_out(info, act)
        except _NonePlaced as none:
            results, errors = none.results, []
        reads = info.context.fresh_reads()
        return PlaceOrdersPayload(results=[_told(reads, each) for each in results or ()], user_errors=errors)

    @mutation("The customer accepts the order without its unavailable items.")
    async def accept_amended_order(self, info: Info, order_id: strawberry.ID) -> OrderPayload:
        async def act(tx: Tx) -> str:
            return (await amendments.accept(tx, info.context.viewer, _order(order_id))).hex

        return OrderPayload.of(info, await carry_out(info, act))

    @mutation("Allowed until the first shipment is dispatched.")
    async def cancel_order(self, info: Info, order_id: strawberry.ID, reason: str | None = None) -> OrderPayload:
        async def act(tx: Tx) -> str:
            return (await cancellation.cancel(tx, info.context.viewer, _order(order_id), reason)).hex

        return OrderPayload.of(info, await carry_out(info, act))


def _order(text: str) -> UUID:
    """For a malformed id, one that no order has: the answer is the same."""
    return ids.parse_order(text) or ids.NO_ID


def _remembered(placed: Placed | Refused) -> Any:
    """A JSON value: the order's id, or the problems that it was refused for."""
    if isinstance(placed, Placed):
        return placed.id.hex
    return [[problem.reason.name, problem.message, list(problem.path)] for problem in placed.problems]


def _told(reads: Reads, remembered: Any) -> OrderPayload:
    if isinstance(remembered, str):
        return OrderPayload(reads=reads, key=UUID(hex=remembered), user_errors=[])
    reasons = registered().reasons
    problems = (Problem(reasons[reason], message, tuple(path)) for reason, message, path in remembered)
    return OrderPayload(reads=reads, key=None, user_errors=user_errors(Refused(*problems)))
