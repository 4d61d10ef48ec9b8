"""What the shop needs from outside systems. Every call has an idempotency key: a repeated call has no further effect.

Amounts are integers in minor units of the currency in the same request.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Protocol

from oms.domain.order.payment import Cost
from oms.domain.order.shipment import Item


class ProviderUnavailable(Exception):
    """No answer, or one that cannot be parsed. The outcome is unknown: repeat the call with the same key."""


class RequestRejected(Exception):
    """The request is invalid and will stay so: a bug of the caller. Nothing took effect.

    `code` is stable: INVALID, NOT_CHARGED, REFUND_EXCEEDS_CHARGE or KEY_REUSED.
    """

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code


class KeyReused(RequestRejected):
    """The key was used before with another request, whose effect remains."""

    def __init__(self, message: str) -> None:
        super().__init__("KEY_REUSED", message)


@dataclass(frozen=True, slots=True)
class BillLine:
    """One line of a shipment. `tax_bps`: in basis points (2000 = 20 %); None: the billing system's default."""

    sku: str
    quantity: int
    unit_price_minor: int
    tax_bps: int | None


def bill_lines(items: Iterable[Item], tax_bps: Mapping[str, int | None]) -> tuple[BillLine, ...]:
    """The lines of a shipment's items; `tax_bps`: by SKU, of products that have their own rate."""
    return tuple(BillLine(item.sku, item.quantity, item.unit_price_minor, tax_bps.get(item.sku)) for item in items)


@dataclass(frozen=True, slots=True)
class InvoiceRequest:
    """Calculate an invoice for the lines of one shipment."""

    key: str
    currency: str
    lines: tuple[BillLine, ...]


@dataclass(frozen=True, slots=True)
class InvoiceAnswer:
    """The total is subtotal - discount + tax + shipping."""

    number: str
    subtotal_minor: int
    discount_minor: int
    tax_minor: int
    shipping_minor: int


@dataclass(frozen=True, slots=True)
class QuoteRequest:
    """Calculate what invoices for the lines of some shipments would come to. It has no effect, so it needs no key."""

    currency: str
    shipments: tuple[tuple[BillLine, ...], ...]


@dataclass(frozen=True, slots=True)
class QuoteAnswer:
    """What the invoice of each shipment would come to, in their order."""

    shipments: tuple[Cost, ...]


@dataclass(frozen=True, slots=True)
class ChargeRequest:
    """Charge an invoice's total. `payment_method`: a token from the payment provider."""

    key: str
    amount_minor: int
    currency: str
    payment_method: str


@dataclass(frozen=True, slots=True)
class ChargeAnswer:
    """Charged, or declined for good with a stable reason such as CARD_DECLINED."""

    succeeded: bool
    reason: str | None


@dataclass(frozen=True, slots=True)
class RefundRequest:
    """Pay back an amount of the charge with the key `charge_key`."""

    key: str
    charge_key: str
    amount_minor: int
    currency: str


@dataclass(frozen=True, slots=True)
class BookingRequest:
    """Have one shipment carried from a warehouse to an address."""

    key: str
    warehouse_code: str
    units: int
    address: Mapping[str, str | None] | None


@dataclass(frozen=True, slots=True)
class BookingAnswer:
    """Accepted with courier and tracking number, or refused for good with a reason such as COURIER_REFUSED."""

    accepted: bool
    courier_code: str | None = None
    courier_name: str | None = None
    tracking_number: str | None = None
    reason: str | None = None


class QuotingSystem(Protocol):
    """Tells the costs of lines before anything is billed. Raises ProviderUnavailable, RequestRejected."""

    async def quote(self, request: QuoteRequest, /) -> QuoteAnswer: ...
    async def aclose(self) -> None: ...


class BillingSystem(Protocol):
    """Calculates invoices, charges and pays back. Raises ProviderUnavailable, RequestRejected."""

    async def invoice(self, request: InvoiceRequest, /) -> InvoiceAnswer: ...
    async def charge(self, request: ChargeRequest, /) -> ChargeAnswer: ...
    async def refund(self, request: RefundRequest, /) -> None: ...


class CourierSystem(Protocol):
    """Accepts shipments for delivery. Raises ProviderUnavailable, RequestRejected."""

    async def book(self, request: BookingRequest, /) -> BookingAnswer: ...

    async def release(self, booking_key: str, /) -> None:
        """Ensure that there is no booking with this key, now or later."""
