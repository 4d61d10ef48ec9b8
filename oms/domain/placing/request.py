"""An order as a cart asks for it: what is wrong with it, what makes two of them the same, what it costs."""

import hashlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Final

import orjson

from oms.domain.catalog.model import Product, check_currency, check_price
from oms.domain.vocabulary.countries import COUNTRY_CODES
from oms.domain.vocabulary.errors import Code, Problem
from oms.domain.vocabulary.money import MAX_ORDER_MINOR
from oms.domain.vocabulary.text import CODE_LENGTH, EMAIL_LENGTH, NAME_LENGTH, check_text

MOST_LINES: Final = 2000
MOST_UNITS: Final = 1_000_000
DEFAULT_PAYMENT_METHOD: Final = "sandbox-ok"


@dataclass(frozen=True, slots=True)
class LineRequest:
    """`unit_price_minor` None: the catalogue's price."""

    sku: str
    quantity: int
    unit_price_minor: int | None = None


@dataclass(frozen=True, slots=True)
class OrderRequest:
    """`currency` None: that of the products. Address fields are those of the contract's AddressInput."""

    reference: str
    customer_reference: str
    lines: tuple[LineRequest, ...]
    currency: str | None = None
    payment_method: str = DEFAULT_PAYMENT_METHOD
    email: str | None = None
    shipping_address: Mapping[str, str | None] | None = None

    def problems(self) -> Iterator[Problem]:
        """Everything that is wrong with it whatever the catalogue holds."""
        yield from check_text(self.reference, "reference", most=CODE_LENGTH)
        yield from check_text(self.customer_reference, "customerReference", most=CODE_LENGTH)
        yield from check_text(self.payment_method, "paymentMethod", most=CODE_LENGTH)
        if self.currency is not None:
            yield from check_currency(self.currency)
        if self.email is not None:
            yield from check_email(self.email)
        for name, value in (self.shipping_address or {}).items():
            if value is not None:
                yield from check_text(value, "shippingAddress", name, most=NAME_LENGTH, blank=True)
        yield from _country_problems((self.shipping_address or {}).get("country"))
        yield from self._line_problems()

    def _line_problems(self) -> Iterator[Problem]:
        if not 1 <= len(self.lines) <= MOST_LINES:
            yield Problem(
                Code.INVALID,
                f"An order has 1 to {MOST_LINES} lines; this one has {len(self.lines)}.",
                ("lines",),
            )
            return
        for index, line in enumerate(self.lines):
            found = [*check_text(line.sku, "sku", most=CODE_LENGTH), *_quantity_problems(line.quantity)]
            if line.unit_price_minor is not None:
                found += check_price(line.unit_price_minor)
            yield from (problem.under("lines", index) for problem in found)

    def content_hash(self) -> bytes:
        """Equal for requests that ask for the same; the order of an address's fields makes no difference."""
        address = {k: v for k, v in (self.shipping_address or {}).items() if v is not None}
        lines = [(line.sku, line.quantity, line.unit_price_minor) for line in self.lines]
        content = (
            self.reference, self.customer_reference, lines, self.currency, self.payment_method, self.email, address
        )  # fmt: skip
        return hashlib.sha256(orjson.dumps(content, option=orjson.OPT_SORT_KEYS)).digest()

    def priced(self, catalogue: Mapping[str, Product]) -> "Priced":
        """The order's currency and its lines with fixed prices, or what stands against that."""
        problems: list[Problem] = []
        currency = self.currency or next(
            (catalogue[line.sku].currency for line in self.lines if line.sku in catalogue), ""
        )
        lines: list[tuple[str, int, int]] = []
        for index, line in enumerate(self.lines):
            product = catalogue.get(line.sku)
            if product is None:
                message = f"There is no product with the SKU {line.sku!r}; add it to the catalogue first."
                problems.append(Problem(Code.INVALID, message, ("lines", str(index), "sku")))
                continue
            if product.currency != currency and (line.unit_price_minor is None or self.currency is None):
                message = (
                    f"{line.sku} is priced in {product.currency}, the order is in {currency}: one currency an order."
                )
                problems.append(Problem(Code.INVALID, message, ("lines", str(index), "sku")))
            price = product.unit_price_minor if line.unit_price_minor is None else line.unit_price_minor
            lines.append((line.sku, line.quantity, price))
        if sum(quantity * price for _, quantity, price in lines) > MAX_ORDER_MINOR:
            message = f"The order's value exceeds {MAX_ORDER_MINOR} minor units; split it into several orders."
            problems.append(Problem(Code.INVALID, message, ("lines",)))
        return Priced(currency, tuple(lines), tuple(problems))


@dataclass(frozen=True, slots=True)
class Priced:
    """Lines as (SKU, quantity, unit price in minor units of `currency`); usable only without problems."""

    currency: str
    lines: tuple[tuple[str, int, int], ...]
    problems: tuple[Problem, ...]


def _quantity_problems(quantity: int) -> Iterator[Problem]:
    if not 1 <= quantity <= MOST_UNITS:
        yield Problem(Code.INVALID, f"A quantity is from 1 to {MOST_UNITS}; this one is {quantity}.", ("quantity",))


def _country_problems(country: str | None) -> Iterator[Problem]:
    """None and empty: it is not said. What is too long or can't be stored is told as such."""
    if country and len(country) <= NAME_LENGTH and country not in COUNTRY_CODES:
        message = "country is not a code of ISO 3166-1 alpha-2: two capital letters such as PT."
        yield Problem(Code.INVALID, message, ("shippingAddress", "country"))


def check_email(email: str) -> Iterator[Problem]:
    """Only what every address has: something, an at sign, something; the rest is for a confirmation to find out."""
    yield from (found := list(check_text(email, "email", most=EMAIL_LENGTH)))
    before, at, after = email.rpartition("@")
    if not found and not (before and at and after and not any(c.isspace() for c in email)):
        yield Problem(Code.INVALID, "email is not an address such as name@example.com.", ("email",))
