"""Placing orders."""

from typing import Annotated, Any, Final, Self
from uuid import UUID

import strawberry

from oms.domain.access.permissions import reach, require
from oms.domain.concept.registry import registered
from oms.domain.order.details import check_email
from oms.domain.order.model import Order
from oms.domain.placing import commands, limits, postal
from oms.domain.placing.commands import Placed
from oms.domain.placing.policy import PlacingPermission
from oms.domain.placing.request import LineRequest, OrderRequest
from oms.domain.vocabulary.errors import InputReason, Problem, Refused
from oms.domain.vocabulary.permission import Reach
from oms.domain.vocabulary.wording import wording
from oms.platform.db import Tx
from oms.schema.order import OrderPayload
from oms.schema.order_details import AddressInput, OrderDetailsInput
from oms.schema.runtime.commands import run_batched, run_command
from oms.schema.runtime.context import Context, Info
from oms.schema.runtime.errors import UserError, user_errors
from oms.schema.runtime.fields import NOTHING_MORE, argument, attribute, field, input_type, mutation, object_type
from oms.schema.runtime.money import Money, money
from oms.schema.runtime.reading.reads import Reads
from oms.schema.runtime.scalars import CurrencyCode, MinorUnits

MAX_ORDERS: Final = 1000


@input_type
class OrderLineInput:
    """A quantity of one SKU to order."""

    sku: str = attribute("What to order: a product of the catalogue.")
    quantity: int = attribute("Units, from 1 to 1,000,000.")
    unit_price: MinorUnits | None = attribute(
        default=None,
        description="The price agreed upstream. Only a SERVICE may give it; without it the catalogue price holds.",
    )


@input_type
class PlaceOrderInput(OrderDetailsInput):
    """An order as a cart sends it."""

    reference: str = attribute(
        description=(
            "Unique in the shop. The same order again (same customer, lines and prices as given, in any order of"
            " fields) returns the first one and places nothing; a different one is DUPLICATE."
        )
    )
    lines: list[OrderLineInput] = attribute("What to order: from 1 to 2,000 lines.")
    customer_reference: str | None = attribute(
        default=None,
        description=(
            "The customer's reference; a new one makes a new customer. Optional for a customer, who may only order"
            " for themself."
        ),
    )
    currency: CurrencyCode | None = attribute("Of all prices. Default: the shop's defaultCurrency.", default=None)
    payment_method: str | None = attribute(
        default=None,
        description=(
            "A token from the payment provider. The sandbox knows sandbox-ok (the default) and sandbox-declined."
        ),
    )

    def request(self, context: Context) -> OrderRequest:
        """For the viewer; callers who are not customers must say whom the order is for."""
        own = context.viewer.customer_reference or ""
        return OrderRequest(
            reference=self.reference,
            customer_reference=own if self.customer_reference is None else self.customer_reference,
            lines=tuple(LineRequest(line.sku, line.quantity, line.unit_price) for line in self.lines),
            payment_method=context.default_payment_method if self.payment_method is None else self.payment_method,
            currency=self.currency,
            details=self.details(),
        )


@object_type(needs=NOTHING_MORE)
class PlaceOrdersPayload:
    """One entry for each input order, in the same order."""

    results: list[OrderPayload] = attribute("The outcome of each order.")
    user_errors: list[UserError] = attribute(
        "About the request as a whole, e.g. more than 1000 orders; then results is empty."
    )


class _NonePlaced(Exception):
    """Nothing was done, so nothing is stored under the Idempotency-Key."""

    def __init__(self, results: list[Any]) -> None:
        super().__init__("no order of the request was placed")
        self.results = results


async def _count(info: Info, orders: int) -> None:
    """Of customers' own orders only. Raises GraphQLError(RATE_LIMITED)."""
    viewer = info.context.viewer
    if reach(viewer, PlacingPermission.PLACE_ORDER) == Reach.OWN:
        await info.context.before_placing(viewer, orders)


@object_type(needs=PlacingPermission.READ_LIMITS)
class PlacingLimits:
    """What customers may place themselves; 0: no limit. The operator sets them."""

    order_lines: int = attribute("Lines of each order, at most.")
    line_units: int = attribute("Units of each line, at most.")
    open_orders: int = attribute("Open orders of a customer.")
    orders_per_minute: int = attribute("Orders of a customer in a minute.")
    unpaid_units: int = attribute("Units that are not charged yet, of a customer.")
    unpaid_values: list[Money] = attribute("The value of those units, by currency; in others there is no limit.")

    @classmethod
    def of(cls, limits: limits.PlacingLimits) -> Self:
        return cls(
            order_lines=limits.order_lines,
            line_units=limits.line_units,
            open_orders=limits.open_orders,
            orders_per_minute=limits.orders_per_minute,
            unpaid_units=limits.unpaid_units,
            unpaid_values=[money(minor, currency) for currency, minor in limits.unpaid_minor.by_currency],
        )


@strawberry.type
class Queries:
    """Queries of the limits."""

    @field(
        "What is missing or wrong in a postal address by the needs of its country, and in an e-mail address if one is"
        " given, for forms that ask a person for them; empty if a parcel can be sent there. placeOrder does not require"
        " an address.",
        needs=PlacingPermission.PLACE_ORDER,
    )
    def check_address(
        self,
        info: Info,
        address: Annotated[AddressInput, argument("As a person typed it.")],
        email: Annotated[
            str | None, argument("As a person typed it; without one, only the address is checked.")
        ] = None,
    ) -> list[UserError]:
        require(info.context.viewer, PlacingPermission.PLACE_ORDER)
        problems = [*postal.problems(address.parts()), *(check_email(email) if email is not None else ())]
        return user_errors(Refused(*problems)) if problems else []

    @field("For managers and support.", needs=PlacingPermission.READ_LIMITS)
    def placing_limits(self, info: Info) -> PlacingLimits:
        return PlacingLimits.of(info.context.placing_limits)


@strawberry.type
class Mutations:
    """Commands that place orders."""

    @mutation(
        "Durable when it answers: the order will be processed, whatever crashes next.",
        needs=PlacingPermission.PLACE_ORDER,
    )
    async def place_order(
        self,
        info: Info,
        input: Annotated[  # noqa: A002 - the contract's name
            PlaceOrderInput, argument("What to order, for whom and where to.")
        ],
    ) -> OrderPayload:
        await _count(info, 1)
        done, errors = await run_batched(info, info.context.batched.place, input.request(info.context))
        reads = info.context.fresh_reads()
        if done and done.result and done.result.order:
            reads.just_placed(done.result.order)
        return OrderPayload(reads=reads, key=UUID(hex=done.subject) if done else None, user_errors=errors)

    @mutation(
        "Up to 1000 orders at once; each is placed, or refused with its own errors, independently of the others.",
        needs=PlacingPermission.PLACE_ORDER,
    )
    async def place_orders(
        self, info: Info, inputs: Annotated[list[PlaceOrderInput], argument("The orders, at most 1000.")]
    ) -> PlaceOrdersPayload:
        if len(inputs) > MAX_ORDERS:
            message = wording(
                "{number} orders; send at most {max_orders} at once.", number=len(inputs), max_orders=MAX_ORDERS
            )
            refusal = Refused(Problem(InputReason.TOO_MANY, message, ("inputs",)))
            return PlaceOrdersPayload(results=[], user_errors=user_errors(refusal))

        await _count(info, len(inputs))
        new: list[Order] = []

        async def act(tx: Tx) -> list[Any]:
            requests = [(info.context.viewer, each.request(info.context)) for each in inputs]
            outcomes = await commands.place(tx, requests, limits=info.context.placing_limits)
            new[:] = [outcome.order for outcome in outcomes if isinstance(outcome, Placed) and outcome.order]
            results = [_stored(outcome) for outcome in outcomes]
            if not any(isinstance(result, str) for result in results):
                raise _NonePlaced(results)
            return results

        try:
            results, errors = await run_command(info, act)
        except _NonePlaced as none:
            results, errors = none.results, []
        reads = info.context.fresh_reads()
        for order in new:
            reads.just_placed(order)
        return PlaceOrdersPayload(results=[_payload(reads, each) for each in results or ()], user_errors=errors)


def _stored(placed: Placed | Refused) -> Any:
    """A JSON value: the order's id, or the problems for which it was refused."""
    if isinstance(placed, Placed):
        return placed.id.hex
    return [[problem.reason.name, problem.message, list(problem.path)] for problem in placed.problems]


def _payload(reads: Reads, stored: Any) -> OrderPayload:
    if isinstance(stored, str):
        return OrderPayload(reads=reads, key=UUID(hex=stored), user_errors=[])
    reasons = registered().reasons
    problems = (Problem(reasons[reason], message, tuple(path)) for reason, message, path in stored)
    return OrderPayload(reads=reads, key=None, user_errors=user_errors(Refused(*problems)))
