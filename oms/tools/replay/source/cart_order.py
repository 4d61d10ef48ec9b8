"""What one source row becomes: an order for the cart, or a counted reason why it is none."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

Row = Mapping[str, Any]
"""One JSON object of a source file, as its README describes it."""


@dataclass(frozen=True, slots=True)
class CartLine:
    """One line at the price agreed upstream; warehouse_code is where the source sold it from, if it says."""

    sku: str
    quantity: int
    unit_price_minor: int
    name: str | None = None
    warehouse_code: str | None = None


@dataclass(frozen=True, slots=True)
class CartOrder:
    """An order as the cart will place it.

    excluded names, once a line, why source lines were left out; notes what was changed on lines that stayed.
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
    """A source row that is no order, and why; lines_count lines stand on it."""

    reason: str
    lines_count: int
