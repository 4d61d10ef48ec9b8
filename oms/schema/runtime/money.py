"""Amounts as clients see them."""

import strawberry

from oms.schema.runtime.scalars import CurrencyCode, MinorUnits


@strawberry.type
class Money:
    """An amount with its currency."""

    amount: MinorUnits
    currency: CurrencyCode


def money(minor: int, currency: str) -> Money:
    return Money(amount=MinorUnits(minor), currency=CurrencyCode(currency))
