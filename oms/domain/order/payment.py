"""What a shipment costs and what has been paid for it."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Final

from oms.domain.order.events import OrderEvent as E
from oms.domain.vocabulary.machine import Machine


class PaymentStatus(StrEnum):
    """The contract's, and CHARGING: the charge is committed, its outcome unknown. Clients see it as PENDING."""

    PENDING = "PENDING"
    CHARGING = "CHARGING"
    SUCCEEDED = "SUCCEEDED"
    DECLINED = "DECLINED"
    VOIDED = "VOIDED"
    REFUNDED = "REFUNDED"


P = PaymentStatus

PAYMENT: Final = Machine[PaymentStatus](
    "payment",
    {
        (None, E.ItemsAllocated): P.PENDING,
        (None, E.ItemsUnavailable): P.PENDING,
        (P.PENDING, E.ShipmentInvoiced): P.PENDING,
        (P.PENDING, E.ChargeHeld): P.PENDING,
        (P.PENDING, E.ChargeStarted): P.CHARGING,
        (P.PENDING, E.ChargeDeclined): P.DECLINED,
        (P.CHARGING, E.ShipmentCharged): P.SUCCEEDED,
        (P.CHARGING, E.ChargeDeclined): P.DECLINED,
        (P.SUCCEEDED, E.ShipmentBooked): P.SUCCEEDED,
        (P.SUCCEEDED, E.ShipmentRefunded): P.REFUNDED,
        # When a shipment ends, an unpaid payment is void, a charge in flight is settled first, a paid one is refunded.
        (P.PENDING, E.ShipmentCancelled): P.VOIDED,
        (P.CHARGING, E.ShipmentCancelled): P.CHARGING,
        (P.SUCCEEDED, E.ShipmentCancelled): P.SUCCEEDED,
        (P.PENDING, E.ShipmentFailed): P.VOIDED,
        (P.CHARGING, E.ShipmentFailed): P.CHARGING,
        (P.SUCCEEDED, E.ShipmentFailed): P.SUCCEEDED,
    },
)


@dataclass(frozen=True, slots=True)
class Cost:
    """What lines come to, in minor units of one currency."""

    subtotal_minor: int = 0
    discount_minor: int = 0
    tax_minor: int = 0
    shipping_minor: int = 0

    @property
    def total_minor(self) -> int:
        return self.subtotal_minor - self.discount_minor + self.tax_minor + self.shipping_minor

    def __add__(self, other: "Cost") -> "Cost":
        return Cost(
            self.subtotal_minor + other.subtotal_minor,
            self.discount_minor + other.discount_minor,
            self.tax_minor + other.tax_minor,
            self.shipping_minor + other.shipping_minor,
        )


@dataclass(frozen=True, slots=True)
class Draft:
    """What the billing system calculated, in minor units of the order's currency."""

    number: str
    subtotal_minor: int
    discount_minor: int
    tax_minor: int
    shipping_minor: int

    @property
    def cost(self) -> Cost:
        return Cost(self.subtotal_minor, self.discount_minor, self.tax_minor, self.shipping_minor)


@dataclass(frozen=True, slots=True)
class Invoice(Draft):
    """A draft that was issued to the customer."""

    issued_at: datetime

    @property
    def total_minor(self) -> int:
        return self.cost.total_minor


@dataclass(slots=True)
class Payment:
    """Money taken for one shipment.

    `period`: the spending period whose tally carries the amount, from the moment the charge was started.
    """

    status: PaymentStatus
    reason: str | None = None
    invoice: Invoice | None = None
    period: int | None = None
    charged_minor: int = 0
    refunded_minor: int = 0
    charged_at: datetime | None = None

    @property
    def due_minor(self) -> int:
        """The invoice's total. Raises ValueError before there is an invoice."""
        if self.invoice is None:
            raise ValueError("not invoiced yet")
        return self.invoice.total_minor

    @property
    def tallied_minor(self) -> int:
        """What the customer's spending includes for it: reserved while charging, kept while paid, else nothing."""
        counts = self.status in (PaymentStatus.CHARGING, PaymentStatus.SUCCEEDED)
        return self.due_minor if counts else 0
