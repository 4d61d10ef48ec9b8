"""What people type into fields, as the API takes it: whole numbers, amounts in currency units, percentages."""

import re
from collections.abc import Mapping
from decimal import Decimal
from typing import Final

from babel.numbers import get_currency_precision

from oms.web.pages.site import Refusals

_PLAIN: Final = re.compile(r"[0-9]{1,16}(\.[0-9]{1,6})?")
_GROUPED: Final = re.compile(r"[0-9]{1,3}(,[0-9]{3}){1,5}(\.[0-9]{1,6})?")


class Unreadable(Exception):
    """What was typed is not what the field takes; the message says what would be."""

    def __init__(self, message: str) -> None:
        super().__init__(message)
        self.message = message

    def beside(self, path: tuple[str, ...], entered: Mapping[str, str]) -> Refusals:
        """As the API would have told it, about the input field at `path`."""
        return Refusals(({"message": self.message, "path": list(path)},), entered)


def minor_units(text: str, currency: str) -> int:
    """An amount in units of the currency, e.g. 1,250.50, as minor units. Raises Unreadable."""
    digits = get_currency_precision(currency)
    example = "250" if digits == 0 else f"250 or 250.{'5'.ljust(digits, '0')}"
    minor = _decimal(text, f"Enter an amount in {currency}, such as {example}.").scaleb(digits)
    if minor != int(minor):
        raise Unreadable(f"{currency} has {digits} decimals; this amount has more.")
    if minor > 2**53:
        raise Unreadable("This is more than the system can count.")
    return int(minor)


def basis_points(text: str) -> int | None:
    """A percentage with up to two decimals, in basis points; None where nothing is entered. Raises Unreadable."""
    if not text.strip():
        return None
    points = _decimal(text, "Enter a percentage, such as 20 or 5.5, or nothing.").scaleb(2)
    if points != int(points) or points > 10_000:
        raise Unreadable("A tax is from 0 to 100 %, with at most two decimals.")
    return int(points)


def whole_number(text: str, *, least: int = 0, limit: int = 2**31 - 1) -> int:
    """Raises Unreadable."""
    bare = text.strip().replace(",", "")
    if not (bare.isascii() and bare.isdigit() and len(bare) <= 10 and least <= int(bare) <= limit):
        raise Unreadable(f"Enter a whole number from {least} to {most:,}.")
    return int(bare)


def _decimal(text: str, complaint: str) -> Decimal:
    bare = text.strip()
    if _PLAIN.fullmatch(bare) or _GROUPED.fullmatch(bare):
        return Decimal(bare.replace(",", ""))
    raise Unreadable(complaint)


def units(minor: int, currency: str) -> str:
    """Minor units as minor_units() reads them: without sign or grouping, to stand in a field."""
    return f"{Decimal(minor).scaleb(-get_currency_precision(currency)):f}"


def percent(basis_points: int | None) -> str:
    """Basis points as basis_points() reads them."""
    return "" if basis_points is None else f"{(Decimal(basis_points) / 100).normalize():f}"
