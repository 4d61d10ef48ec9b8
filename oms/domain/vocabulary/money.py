"""Money is a whole number of minor units (cents) with its currency."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final, Self

from oms.domain.vocabulary.errors import InputReason, Problem
from oms.domain.vocabulary.wording import Amount, wording

MAX_MINOR: Final = 2**53 - 1
"""The largest amount a JSON number carries exactly; nothing in the system exceeds it."""

MAX_ORDER_MINOR: Final = 2**52
"""The largest value of an order's lines, so that tax and shipping still fit below MAX_MINOR."""


def is_currency(code: str) -> bool:
    """Whether it has the form of an ISO 4217 code: three capital letters."""
    return len(code) == 3 and code.isascii() and code.isalpha() and code.isupper()


def check_currency(code: str) -> Iterator[Problem]:
    if not is_currency(code):
        message = wording("A currency is an ISO 4217 code of three capital letters, such as USD.")
        yield Problem(InputReason.BAD_CURRENCY, message, ("currency",))


_NO_DECIMALS: Final = frozenset(
    {
        "BIF",
        "CLP",
        "DJF",
        "GNF",
        "ISK",
        "JPY",
        "KMF",
        "KRW",
        "PYG",
        "RWF",
        "UGX",
        "UYI",
        "VND",
        "VUV",
        "XAF",
        "XOF",
        "XPF",
    }
)
_THREE_DECIMALS: Final = frozenset({"BHD", "IQD", "JOD", "KWD", "LYD", "OMR", "TND"})


def formatted(minor: int, currency: str) -> Amount:
    """For a person to read, e.g. "12.34 USD"; the decimals are those of ISO 4217. said() translates it."""
    decimals = 0 if currency in _NO_DECIMALS else 3 if currency in _THREE_DECIMALS else 2
    whole, rest = divmod(abs(minor), 10**decimals)
    amount = f"{whole}.{rest:0{decimals}}" if decimals else str(whole)
    text = Amount(f"{'-' if minor < 0 else ''}{amount} {currency}")
    text.minor, text.currency = minor, currency
    return text


@dataclass(frozen=True, slots=True)
class Amounts:
    """Minor units by currency. In a currency that is not among them, the amount is 0: as a limit, none."""

    by_currency: tuple[tuple[str, int], ...] = ()

    @classmethod
    def parsed(cls, text: str, currency: str) -> Self:
        """Of `100000 EUR, 110000 USD`, or of a number alone, which is in `currency`. Without the zeros."""
        parts = [part.split() for part in text.split(",")]
        found = {part[1] if len(part) > 1 else currency: int(part[0]) for part in parts}
        return cls(tuple(sorted((each, minor) for each, minor in found.items() if minor)))

    def of(self, currency: str) -> int:
        return dict(self.by_currency).get(currency, 0)

    def __bool__(self) -> bool:
        return bool(self.by_currency)


NO_AMOUNTS: Final = Amounts()
