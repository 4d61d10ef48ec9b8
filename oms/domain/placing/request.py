"""An order as a cart requests it: its problems, what makes two of them the same, and its prices."""

import hashlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Final

import orjson

from oms.domain.catalog.model import Product, check_price
from oms.domain.catalog.policy import CatalogReason
from oms.domain.order.details import NO_DETAILS, OrderDetails
from oms.domain.order.model import Line
from oms.domain.placing.policy import PlacingReason
from oms.domain.vocabulary.errors import InputReason, Problem
from oms.domain.vocabulary.money import MAX_ORDER_MINOR, check_currency
from oms.domain.vocabulary.texts.checks import CODE_LENGTH, check_code, check_text
from oms.domain.vocabulary.wording import wording

MAX_LINES: Final = 2000
MAX_UNITS: Final = 1_000_000


@dataclass(frozen=True, slots=True)
class LineRequest:
    """`unit_price_minor` None: the catalogue's price."""

    sku: str
    quantity: int
    unit_price_minor: int | None = None


@dataclass(frozen=True, slots=True)
class OrderRequest:
    """`currency` None: that of the products."""

    reference: str
    customer_reference: str
    lines: tuple[LineRequest, ...]
    payment_method: str
    currency: str | None = None
    details: OrderDetails = NO_DETAILS

    def problems(self) -> Iterator[Problem]:
        """All problems that do not depend on the catalogue."""
        yield from check_code(self.reference, "reference")
        yield from check_code(self.customer_reference, "customerReference")
        yield from check_text(self.payment_method, "paymentMethod", max_length=CODE_LENGTH)
        if self.currency is not None:
            yield from check_currency(self.currency)
        yield from self.details.problems()
        yield from self._line_problems()

    def _line_problems(self) -> Iterator[Problem]:
        if not 1 <= len(self.lines) <= MAX_LINES:
            message = wording(
                "An order has 1 to {max_lines} lines; this one has {number}.",
                max_lines=MAX_LINES,
                number=len(self.lines),
            )
            yield Problem(InputReason.OUT_OF_RANGE, message, ("lines",))
            return
        for index, line in enumerate(self.lines):
            found = [*check_text(line.sku, "sku", max_length=CODE_LENGTH), *_quantity_problems(line.quantity)]
            if line.unit_price_minor is not None:
                found += check_price(line.unit_price_minor)
            yield from (problem.under("lines", index) for problem in found)

    def content_hash(self) -> bytes:
        """Equal for requests of the same order; the order of an address's fields makes no difference."""
        lines = [(line.sku, line.quantity, line.unit_price_minor) for line in self.lines]
        content = (
            self.reference,
            self.customer_reference,
            lines,
            self.currency,
            self.payment_method,
            *self.details.content(),
        )
        return hashlib.sha256(orjson.dumps(content, option=orjson.OPT_SORT_KEYS)).digest()

    def priced(self, catalogue: Mapping[str, Product]) -> "Priced":
        """The order's currency and its lines with fixed prices, or the problems."""
        problems: list[Problem] = []
        currency = self.currency or next(
            (catalogue[line.sku].currency for line in self.lines if line.sku in catalogue), ""
        )
        lines: list[Line] = []
        for index, line in enumerate(self.lines):
            product = catalogue.get(line.sku)
            if product is None:
                message = wording(
                    "There is no product with the SKU {sku!r}; add it to the catalogue first.", sku=line.sku
                )
                problems.append(Problem(CatalogReason.UNKNOWN_PRODUCT, message, ("lines", str(index), "sku")))
                continue
            if product.currency != currency and (line.unit_price_minor is None or self.currency is None):
                message = wording(
                    "{sku} is priced in {currency}, the order is in {of_order}: use one currency.",
                    sku=line.sku,
                    currency=product.currency,
                    of_order=currency,
                )
                problems.append(Problem(PlacingReason.CURRENCY_MISMATCH, message, ("lines", str(index), "sku")))
            price = product.unit_price_minor if line.unit_price_minor is None else line.unit_price_minor
            lines.append(Line(len(lines) + 1, line.sku, line.quantity, price))
        if sum(line.quantity * line.unit_price_minor for line in lines) > MAX_ORDER_MINOR:
            message = wording(
                "The order's value exceeds {max_order_minor} minor units; split it into several orders.",
                max_order_minor=MAX_ORDER_MINOR,
            )
            problems.append(Problem(PlacingReason.ORDER_TOO_LARGE, message, ("lines",)))
        return Priced(currency, lines, tuple(problems))


@dataclass(frozen=True, slots=True)
class Priced:
    """Lines with prices in minor units of `currency`; usable only without problems."""

    currency: str
    lines: list[Line]
    problems: tuple[Problem, ...]


def _quantity_problems(quantity: int) -> Iterator[Problem]:
    if not 1 <= quantity <= MAX_UNITS:
        message = wording(
            "A quantity is from 1 to {max_units}; this one is {quantity}.", max_units=MAX_UNITS, quantity=quantity
        )
        yield Problem(InputReason.OUT_OF_RANGE, message, ("quantity",))
