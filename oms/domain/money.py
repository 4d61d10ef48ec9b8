"""Money is a whole number of minor units (cents) with its currency."""

from typing import Final

MAX_MINOR: Final = 2**53 - 1
"""The largest amount a JSON number carries exactly; nothing in the system exceeds it."""

MAX_ORDER_MINOR: Final = 2**52
"""The largest value of an order's lines, so that tax and shipping still fit below MAX_MINOR."""


def is_currency(code: str) -> bool:
    """Whether it has the form of an ISO 4217 code: three capital letters."""
    return len(code) == 3 and code.isascii() and code.isalpha() and code.isupper()
