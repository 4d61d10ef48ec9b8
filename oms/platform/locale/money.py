"""Amounts of money as people of the current language write them."""

from decimal import Decimal
from functools import lru_cache

from babel.numbers import format_currency, get_currency_precision

from oms.platform.locale.language import Language, current_language


def money_text(minor: int, currency: str) -> str:
    """Minor units as in "$12.34", or "12,34 $" in German."""
    return _formatted(minor, currency, current_language())


# Babel takes 14 µs for an amount, and a page has a dozen of them, many of them equal.
@lru_cache(maxsize=4096)
def _formatted(minor: int, currency: str, language: Language) -> str:
    digits = get_currency_precision(currency)
    return format_currency(Decimal(minor).scaleb(-digits), currency, locale=str(language))
