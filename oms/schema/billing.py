"""Invoices and payments of shipments."""

from enum import StrEnum
from typing import Final, Self

from strawberry import Parent

from oms.domain.order import payment as model
from oms.domain.order.policy import OrderPermission
from oms.schema.fulfilment import Shipment
from oms.schema.runtime.enums import described
from oms.schema.runtime.fields import attribute, extends, object_type
from oms.schema.runtime.money import Money, money
from oms.schema.runtime.scalars import Instant


@object_type(needs=OrderPermission.READ_MONEY)
class Invoice:
    """What a shipment costs, as the billing system calculated it."""

    number: str = attribute("As the billing system gives it.")
    subtotal: Money = attribute("The items, without tax.")
    discount: Money = attribute("What is taken off the subtotal.")
    tax: Money = attribute("Added to the subtotal.")
    shipping: Money = attribute("For the delivery.")
    total: Money = attribute("subtotal - discount + tax + shipping, exactly.")
    issued_at: Instant = attribute("When the billing system calculated it.")

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
    """The contract's statuses. A charge is refunded as a whole, so none is PARTIALLY_REFUNDED."""

    PENDING = "PENDING"
    SUCCEEDED = "SUCCEEDED"
    DECLINED = "DECLINED"
    VOIDED = "VOIDED"
    PARTIALLY_REFUNDED = "PARTIALLY_REFUNDED"
    REFUNDED = "REFUNDED"


described(
    PaymentStatus,
    "PaymentStatus",
    "How far the charge of a shipment has come.",
    {
        PaymentStatus.SUCCEEDED: "Charged in full.",
        PaymentStatus.DECLINED: "The charge was refused; reason says why.",
        PaymentStatus.PARTIALLY_REFUNDED: "A part of the charge was paid back.",
        PaymentStatus.REFUNDED: "All of the charge was paid back.",
        PaymentStatus.PENDING: "Not charged yet; reason says what it waits for, if anything.",
        PaymentStatus.VOIDED: "The shipment was cancelled before any charge.",
    },
)
_PUBLIC_STATUS: Final = {
    model.PaymentStatus.PENDING: PaymentStatus.PENDING,
    model.PaymentStatus.CHARGING: PaymentStatus.PENDING,
    model.PaymentStatus.SUCCEEDED: PaymentStatus.SUCCEEDED,
    model.PaymentStatus.DECLINED: PaymentStatus.DECLINED,
    model.PaymentStatus.VOIDED: PaymentStatus.VOIDED,
    model.PaymentStatus.REFUNDED: PaymentStatus.REFUNDED,
}
_WITH_REASON: Final = (model.PaymentStatus.PENDING, model.PaymentStatus.DECLINED)


@object_type(needs=OrderPermission.READ_MONEY)
class Payment:
    """The charge of a shipment."""

    status: PaymentStatus = attribute("How far the charge has come.")
    reason: str | None = attribute(
        "Why it was declined or is held: a stable code such as SPENDING_LIMIT_EXCEEDED, FRAUD_MAINTENANCE"
        " or CARD_DECLINED."
    )
    charged: Money = attribute("0 until charged.")
    refunded: Money = attribute("0 unless something was paid back.")
    charged_at: Instant | None = attribute("Null until charged.")

    @classmethod
    def of(cls, payment: model.Payment, currency: str) -> Self:
        return cls(
            status=_PUBLIC_STATUS[payment.status],
            reason=payment.reason if payment.status in _WITH_REASON else None,
            charged=money(payment.charged_minor, currency),
            refunded=money(payment.refunded_minor, currency),
            charged_at=Instant(payment.charged_at) if payment.charged_at else None,
        )


@extends(
    Shipment,
    "Present once the billing system has calculated the cost. Null for couriers.",
    needs=OrderPermission.READ_MONEY,
)
def invoice(shipment: Parent[Shipment]) -> Invoice | None:
    issued = shipment.seen.shipment.payment.invoice
    return Invoice.of(issued, shipment.seen.currency) if issued else None


@extends(Shipment, "Null for couriers.", needs=OrderPermission.READ_MONEY)
def payment(shipment: Parent[Shipment]) -> Payment | None:
    return Payment.of(shipment.seen.shipment.payment, shipment.seen.currency)
