"""Amounts in the API."""

from oms.schema.runtime.fields import NOTHING_MORE, attribute, object_type
from oms.schema.runtime.scalars import CurrencyCode, MinorUnits


@object_type(needs=NOTHING_MORE)
class Money:
    """An amount with its currency."""

    amount: MinorUnits = attribute("In minor units of the currency: 1999 is 19.99 USD.")
    currency: CurrencyCode = attribute("What the amount is in.")


def money(minor: int, currency: str) -> Money:
    return Money(amount=MinorUnits(minor), currency=CurrencyCode(currency))
