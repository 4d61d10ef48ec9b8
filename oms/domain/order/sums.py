"""What an order comes to, what was paid for it, and what is still to be paid or given back. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, Self

from oms.domain.order.payment import PaymentStatus
from oms.domain.order.shipment import ENDED, Shipment

_STILL_TO_CHARGE: Final = (PaymentStatus.PENDING, PaymentStatus.CHARGING)


@dataclass(frozen=True, slots=True)
class OrderSums:
    """Minor units of the order's currency.

    The first four are of the invoices of shipments neither cancelled nor failed: subtotal - discount + shipping + tax
    is what they come to. `invoiced`: of all invoices, those of ended shipments included. `paid`: charged and not
    refunded. `open`: invoiced and not charged yet. `to_refund`: charged for a shipment that has ended since.

    Once each shipment has its invoice, what they come to is paid + open - to_refund.
    """

    subtotal_minor: int
    discount_minor: int
    shipping_minor: int
    tax_minor: int
    invoiced_minor: int
    paid_minor: int
    refunded_minor: int
    open_minor: int
    to_refund_minor: int

    @classmethod
    def of(cls, shipments: Sequence[Shipment]) -> Self:
        """Of all shipments of an order."""
        standing = [each.payment.invoice for each in shipments if each.status not in ENDED and each.payment.invoice]
        return cls(
            subtotal_minor=sum(invoice.subtotal_minor for invoice in standing),
            discount_minor=sum(invoice.discount_minor for invoice in standing),
            shipping_minor=sum(invoice.shipping_minor for invoice in standing),
            tax_minor=sum(invoice.tax_minor for invoice in standing),
            invoiced_minor=sum(each.payment.due_minor for each in shipments if each.payment.invoice),
            paid_minor=sum(_kept_minor(each) for each in shipments),
            refunded_minor=sum(each.payment.refunded_minor for each in shipments),
            open_minor=sum(_open_minor(each) for each in shipments),
            to_refund_minor=sum(_kept_minor(each) for each in shipments if each.status in ENDED),
        )


def _kept_minor(shipment: Shipment) -> int:
    return shipment.payment.charged_minor - shipment.payment.refunded_minor


def _open_minor(shipment: Shipment) -> int:
    is_open = shipment.status not in ENDED and shipment.payment.status in _STILL_TO_CHARGE
    return shipment.payment.due_minor if is_open and shipment.payment.invoice else 0
