"""What customers learn about stock: whether they can have a product, and how many are left if those are few."""

from enum import StrEnum
from typing import Final

FEW: Final = 5
"""Up to so many units, customers are told how many are left."""


class Availability(StrEnum):
    """Whether a product can be sent now."""

    IN_STOCK = "IN_STOCK"
    FEW_LEFT = "FEW_LEFT"
    SOLD_OUT = "SOLD_OUT"


def availability(units: int) -> Availability:
    """`units`: free in all warehouses together."""
    if units <= 0:
        return Availability.SOLD_OUT
    return Availability.FEW_LEFT if units <= FEW else Availability.IN_STOCK


def units_left(units: int) -> int | None:
    """What may be told of the units: all if they are few, otherwise nothing."""
    return max(units, 0) if units <= FEW else None
