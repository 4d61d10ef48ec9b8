"""What a source row becomes: an order for the cart, or a reason why it is not an order."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

Row = Mapping[str, Any]
"""One JSON object of a source file, in the format of its README."""


@dataclass(frozen=True, slots=True)
class CartLine:
    """One line at the price of the source. `warehouse_code`: where the source sold it from, if it says so."""

    sku: str
    quantity: int
    unit_price_minor: int
    name: str | None = None
    warehouse_code: str | None = None


@dataclass(frozen=True, slots=True)
class CartOrder:
    """An order as the cart places it.

    `excluded`: for each line that was left out, the reason. `notes`: for each line that was changed, the change.
    """

    source: str
    reference: str
    customer_reference: str
    currency: str
    lines: tuple[CartLine, ...]
    address: Mapping[str, str | None]
    cancelled_at_source: bool = False
    excluded: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()

    def as_input(self) -> dict[str, Any]:
        """The contract's PlaceOrderInput."""
        return {
            "reference": self.reference,
            "customerReference": self.customer_reference,
            "currency": self.currency,
            "shippingAddress": {key: value for key, value in self.address.items() if value is not None},
            "lines": [
                {"sku": line.sku, "quantity": line.quantity, "unitPrice": line.unit_price_minor} for line in self.lines
            ],
        }


@dataclass(frozen=True, slots=True)
class NoOrder:
    """A source row that is not an order, why, and the number of its lines."""

    reason: str
    lines_count: int
