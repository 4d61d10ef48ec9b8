"""Values of form fields, parsed for the API: whole numbers, amounts in currency units, percentages."""

import re
from collections.abc import Mapping
from decimal import Decimal
from typing import Final

from babel.numbers import get_currency_precision

from oms.web.pages.rendering.site import Refusals

_PLAIN: Final = re.compile(r"[0-9]{1,16}(\.[0-9]{1,6})?")
_GROUPED: Final = re.compile(r"[0-9]{1,3}(,[0-9]{3}){1,5}(\.[0-9]{1,6})?")


class InvalidInput(Exception):
    """The field can't take this value; the message says which it can."""

    def __init__(self, message: str) -> None:
        super().__init__(message)
        self.message = message

    def at(self, path: tuple[str, ...], entered: Mapping[str, str]) -> Refusals:
        """In the form of the API's refusals, for the input field at `path`."""
        return Refusals(({"message": self.message, "path": list(path)},), entered)


def minor_units(text: str, currency: str) -> int:
    """An amount in units of the currency, e.g. 1,250.50, as minor units. Raises InvalidInput."""
    digits = get_currency_precision(currency)
    example = "250" if digits == 0 else f"250 or 250.{'5'.ljust(digits, '0')}"
    minor = _decimal(text, f"Enter an amount in {currency}, such as {example}.").scaleb(digits)
    if minor != int(minor):
        raise InvalidInput(f"{currency} has {digits} decimals; this amount has more.")
    if minor > 2**53:
        raise InvalidInput("This amount is too large.")
    return int(minor)


def basis_points(text: str) -> int | None:
    """A percentage with up to two decimals, in basis points; None if the field is empty. Raises InvalidInput."""
    if not text.strip():
        return None
    points = _decimal(text, "Enter a percentage, such as 20 or 5.5, or nothing.").scaleb(2)
    if points != int(points) or points > 10_000:
        raise InvalidInput("A tax is from 0 to 100 %, with at most two decimals.")
    return int(points)


def whole_number(text: str, *, minimum: int = 0, maximum: int = 2**31 - 1) -> int:
    """Raises InvalidInput."""
    bare = text.strip().replace(",", "")
    if not (bare.isascii() and bare.isdigit() and len(bare) <= 10 and minimum <= int(bare) <= maximum):
        raise InvalidInput(f"Enter a whole number from {minimum} to {maximum:,}.")
    return int(bare)


def _decimal(text: str, message: str) -> Decimal:
    bare = text.strip()
    if _PLAIN.fullmatch(bare) or _GROUPED.fullmatch(bare):
        return Decimal(bare.replace(",", ""))
    raise InvalidInput(message)


def units(minor: int, currency: str) -> str:
    """Minor units as the value of a field, the inverse of minor_units()."""
    return f"{Decimal(minor).scaleb(-get_currency_precision(currency)):f}"


def percent(basis_points: int | None) -> str:
    """The inverse of basis_points()."""
    return "" if basis_points is None else f"{(Decimal(basis_points) / 100).normalize():f}"
