"""What the shop asks of outside systems. Every call carries a key; repeated with it, it does no more.

Amounts are integer minor units of the currency named beside them.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol


class ProviderUnavailable(Exception):
    """No answer, or none that can be understood: the outcome is unknown, so ask again with the same key."""


class RequestRejected(Exception):
    """The request makes no sense to the provider, and never will: a bug of the caller. Nothing took effect.

    `code` is stable: INVALID, NOT_CHARGED, REFUND_EXCEEDS_CHARGE or KEY_REUSED.
    """

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code


class KeyReused(RequestRejected):
    """The key came before with another request; what that one did still stands."""

    def __init__(self, message: str) -> None:
        super().__init__("KEY_REUSED", message)


@dataclass(frozen=True, slots=True)
class BillLine:
    """One line of a shipment; tax in basis points (2000 = 20 %), None for the billing system's default."""

    sku: str
    quantity: int
    unit_price_minor: int
    tax_bps: int | None


@dataclass(frozen=True, slots=True)
class InvoiceRequest:
    """The lines of one shipment, to be billed together."""

    key: str
    currency: str
    lines: tuple[BillLine, ...]


@dataclass(frozen=True, slots=True)
class InvoiceAnswer:
    """total = subtotal - discount + tax + shipping, and is therefore not carried."""

    number: str
    subtotal_minor: int
    discount_minor: int
    tax_minor: int
    shipping_minor: int


@dataclass(frozen=True, slots=True)
class ChargeRequest:
    """An invoice's total, to be taken by a payment method: a token from the payment provider."""

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
    """So much of the charge made under `charge_key`, to be paid back."""

    key: str
    charge_key: str
    amount_minor: int
    currency: str


@dataclass(frozen=True, slots=True)
class BookingRequest:
    """One shipment of so many units, to be taken from a warehouse to an address."""

    key: str
    warehouse_code: str
    units: int
    address: Mapping[str, str | None] | None


@dataclass(frozen=True, slots=True)
class BookingAnswer:
    """Accepted with courier and tracking number, or refused for good with a reason like COURIER_REFUSED."""

    accepted: bool
    courier_code: str | None = None
    courier_name: str | None = None
    tracking_number: str | None = None
    reason: str | None = None


class BillingSystem(Protocol):
    """Calculates what a shipment costs, charges, pays back. Raises ProviderUnavailable, RequestRejected."""

    async def invoice(self, request: InvoiceRequest, /) -> InvoiceAnswer: ...
    async def charge(self, request: ChargeRequest, /) -> ChargeAnswer: ...
    async def refund(self, request: RefundRequest, /) -> None: ...


class CourierSystem(Protocol):
    """Accepts shipments for delivery. Raises ProviderUnavailable, RequestRejected."""

    async def book(self, request: BookingRequest, /) -> BookingAnswer: ...

    async def release(self, booking_key: str, /) -> None:
        """Hold no booking under this key, now or later, whether or not there was one."""
