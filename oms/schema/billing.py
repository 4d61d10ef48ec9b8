"""What a shipment costs and what was paid for it."""

from enum import StrEnum
from typing import Final, Self

import strawberry

from oms.domain.order import payment as model
from oms.schema.runtime.enums import described
from oms.schema.runtime.money import Money, money
from oms.schema.runtime.scalars import Instant


@strawberry.type
class Invoice:
    """The billing system's."""

    number: str
    subtotal: Money
    discount: Money
    tax: Money
    shipping: Money
    total: Money = strawberry.field(description="subtotal - discount + tax + shipping, exactly.")
    issued_at: Instant

    @classmethod
    def of(cls, invoice: model.Invoice, currency: str) -> Self:
        return cls(
            number=invoice.number,
            subtotal=money(invoice.subtotal_minor, currency),
            discount=money(invoice.discount_minor, currency),
            tax=money(invoice.tax_minor, currency),
            shipping=money(invoice.shipping_minor, currency),
            total=money(invoice.total_minor, currency),
            issued_at=Instant(invoice.issued_at),
        )


class PaymentStatus(StrEnum):
    """The contract's; this system refunds whole charges only."""

    PENDING = "PENDING"
    SUCCEEDED = "SUCCEEDED"
    DECLINED = "DECLINED"
    VOIDED = "VOIDED"
    PARTIALLY_REFUNDED = "PARTIALLY_REFUNDED"
    REFUNDED = "REFUNDED"


described(
    PaymentStatus,
    "PaymentStatus",
    {
        PaymentStatus.PENDING: "Not charged yet; reason says what it waits for, if anything.",
        PaymentStatus.VOIDED: "The shipment was cancelled before any charge.",
    },
)
_SHOWN_AS: Final = {
    model.PaymentStatus.PENDING: PaymentStatus.PENDING,
    model.PaymentStatus.CHARGING: PaymentStatus.PENDING,
    model.PaymentStatus.SUCCEEDED: PaymentStatus.SUCCEEDED,
    model.PaymentStatus.DECLINED: PaymentStatus.DECLINED,
    model.PaymentStatus.VOIDED: PaymentStatus.VOIDED,
    model.PaymentStatus.REFUNDED: PaymentStatus.REFUNDED,
}
_EXPLAINED: Final = (model.PaymentStatus.PENDING, model.PaymentStatus.DECLINED)


@strawberry.type
class Payment:
    """What was taken for a shipment."""

    status: PaymentStatus
    reason: str | None = strawberry.field(
        description=(
            "Why it was declined or is held: a stable code such as SPENDING_LIMIT_EXCEEDED, FRAUD_MAINTENANCE"
            " or CARD_DECLINED."
        )
    )
    charged: Money = strawberry.field(description="0 until charged.")
    refunded: Money
    charged_at: Instant | None

    @classmethod
    def of(cls, payment: model.Payment, currency: str) -> Self:
        return cls(
            status=_SHOWN_AS[payment.status],
            reason=payment.reason if payment.status in _EXPLAINED else None,
            charged=money(payment.charged_minor, currency),
            refunded=money(payment.refunded_minor, currency),
            charged_at=Instant(payment.charged_at) if payment.charged_at else None,
        )
