"""What customers may place themselves, so that nobody holds the shop's stock without paying for it. Pure rules."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

from oms.domain.order.model import Line
from oms.domain.placing.policy import PlacingReason
from oms.domain.vocabulary.errors import Problem
from oms.domain.vocabulary.money import NO_AMOUNTS, Amounts, formatted
from oms.domain.vocabulary.wording import wording


@dataclass(frozen=True, slots=True)
class PlacingLimits:
    """For orders that a customer places; 0: no limit.

    `order_lines` of an order, `line_units` of a line. Of one customer: `open_orders`, and units and value of lines that
    are not charged yet; `unpaid_minor` in minor units, by currency. `orders_per_minute` are counted where requests
    arrive.
    """

    order_lines: int = 0
    line_units: int = 0
    open_orders: int = 0
    unpaid_units: int = 0
    unpaid_minor: Amounts = NO_AMOUNTS
    orders_per_minute: int = 0

    @property
    def of_customers(self) -> bool:
        """Whether anything is limited that needs a count of what the customer has already."""
        return bool(self.open_orders or self.unpaid_units or self.unpaid_minor)

    def problems(self, quantities: Sequence[int]) -> Iterator[Problem]:
        """Of one order by itself. `quantities`: of its lines."""
        if self.order_lines and len(quantities) > self.order_lines:
            message = wording(
                "Your orders have at most {order_lines} lines; this one has {number}: split it.",
                order_lines=self.order_lines,
                number=len(quantities),
            )
            yield Problem(PlacingReason.TOO_MANY_LINES, message, ("lines",))
        for index, quantity in enumerate(quantities):
            if self.line_units and quantity > self.line_units:
                message = wording(
                    "You may order at most {line_units} of an item at once; this is {quantity}.",
                    line_units=self.line_units,
                    quantity=quantity,
                )
                yield Problem(PlacingReason.QUANTITY_TOO_LARGE, message, ("lines", str(index), "quantity"))


NO_LIMITS: Final = PlacingLimits()


@dataclass(slots=True)
class Standing:
    """What one customer has placed and not finished: open orders, units not paid, and their value by currency."""

    open_orders: int = 0
    unpaid_units: int = 0
    unpaid_minor: dict[str, int] = field(default_factory=dict)

    def problems(self, limits: PlacingLimits, lines: Sequence[Line], currency: str) -> Iterator[Problem]:
        """The limits that this customer would exceed by placing an order of these lines."""
        if limits.open_orders and self.open_orders >= limits.open_orders:
            message = wording(
                "You have {open_orders} open orders, which is the maximum: wait until one ends.",
                open_orders=self.open_orders,
            )
            yield Problem(PlacingReason.TOO_MANY_OPEN_ORDERS, message)
        units, minor = _size(lines)
        if limits.unpaid_units and self.unpaid_units + units > limits.unpaid_units:
            message = wording(
                "You may hold {allowed} units that are not paid. You hold {held}, and this order has {units}: "
                "order less, or cancel an order that waits for your answer.",
                allowed=limits.unpaid_units,
                held=self.unpaid_units,
                units=units,
            )
            yield Problem(PlacingReason.TOO_MANY_UNPAID_UNITS, message, ("lines",))
        held = self.unpaid_minor.get(currency, 0)
        allowed = limits.unpaid_minor.of(currency)
        if allowed and held + minor > allowed:
            message = wording(
                "Your orders that are not paid may be worth {allowed}. They are worth {held}, and this one {added}: "
                "wait until they are paid.",
                allowed=formatted(allowed, currency),
                held=formatted(held, currency),
                added=formatted(minor, currency),
            )
            yield Problem(PlacingReason.TOO_MUCH_UNPAID, message, ("lines",))

    def add(self, lines: Sequence[Line], currency: str) -> None:
        """Counts an order that is being placed."""
        units, minor = _size(lines)
        self.open_orders += 1
        self.unpaid_units += units
        self.unpaid_minor[currency] = self.unpaid_minor.get(currency, 0) + minor


Standings = Mapping[str, Standing]
"""By the customer's reference; of one who has nothing open as well."""


def _size(lines: Sequence[Line]) -> tuple[int, int]:
    """Units, and their value in minor units."""
    return sum(line.quantity for line in lines), sum(line.quantity * line.unit_price_minor for line in lines)
