"""Products and warehouses."""

from collections.abc import Iterator
from dataclasses import dataclass

from oms.domain.vocabulary.errors import InputReason, Problem
from oms.domain.vocabulary.money import MAX_MINOR, check_currency
from oms.domain.vocabulary.texts.checks import NAME_LENGTH, check_code, check_name
from oms.domain.vocabulary.texts.terms import terms_of_code, terms_of_words
from oms.domain.vocabulary.wording import wording


@dataclass(frozen=True, slots=True)
class Warehouse:
    """A place that shipments leave from."""

    code: str
    name: str

    def problems(self) -> Iterator[Problem]:
        yield from check_code(self.code, "code")
        yield from check_name(self.name, "name", max_length=NAME_LENGTH)


@dataclass(frozen=True, slots=True)
class Product:
    """The catalogue price in minor units; tax in basis points (2000 = 20 %), None for the billing system's default."""

    sku: str
    name: str
    unit_price_minor: int
    currency: str
    tax_bps: int | None = None

    def terms(self) -> frozenset[str]:
        """What a search finds the product by."""
        return frozenset({*terms_of_code(self.sku), *terms_of_words(self.name)} - {""})

    def problems(self) -> Iterator[Problem]:
        yield from check_code(self.sku, "sku")
        yield from check_name(self.name, "name", max_length=NAME_LENGTH)
        yield from check_price(self.unit_price_minor)
        yield from check_currency(self.currency)
        if self.tax_bps is not None and not 0 <= self.tax_bps <= 10_000:
            yield Problem(
                InputReason.OUT_OF_RANGE, wording("taxBps is in basis points, from 0 to 10000 (100 %)."), ("taxBps",)
            )


def check_price(minor: int) -> Iterator[Problem]:
    if not 0 <= minor <= MAX_MINOR:
        yield Problem(
            InputReason.OUT_OF_RANGE,
            wording("A unit price is a number of minor units from 0 to {max_minor}.", max_minor=MAX_MINOR),
            ("unitPrice",),
        )
