"""Amounts in the API."""

from oms.schema.runtime.fields import NOTHING_MORE, object_type
from oms.schema.runtime.scalars import CurrencyCode, MinorUnits


@object_type(needs=NOTHING_MORE)
class Money:
    """An amount with its currency."""

    amount: MinorUnits
    currency: CurrencyCode


def money(minor: int, currency: str) -> Money:
    return Money(amount=MinorUnits(minor), currency=CurrencyCode(currency))
