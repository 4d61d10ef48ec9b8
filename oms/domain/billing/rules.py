"""Billing one shipment: invoice, fraud control, charge, refund. Pure rules over a loaded order."""

from collections.abc import Mapping
from datetime import datetime

from oms.domain.concept.work import Due, Step
from oms.domain.fraud.model import FraudSettings, Verdict, judge
from oms.domain.order.closing import close_if_done
from oms.domain.order.events import OrderEvent as E
from oms.domain.order.model import Order, OrderStatus
from oms.domain.order.payment import Draft, Invoice, PaymentStatus
from oms.domain.order.shipment import ENDED, Shipment, ShipmentStatus
from oms.domain.vocabulary.actor import Actor


class BillingStep(Step):
    """SETTLE finds out the outcome of a charge that was started."""

    CHARGE = "CHARGE"
    SETTLE = "SETTLE"
    REFUND = "REFUND"


def due(order: Order) -> Mapping[int, Due]:
    """By shipment."""
    return {s.number: Due(step) for s in order.shipments if (step := step_of(order, s))}


def step_of(order: Order, shipment: Shipment) -> BillingStep | None:
    """Nothing is charged before an amended order is accepted; a charge in flight is settled in any case."""
    match shipment.payment.status:
        case PaymentStatus.PENDING if order.status == OrderStatus.PROCESSING:
            return BillingStep.CHARGE
        case PaymentStatus.CHARGING:
            return BillingStep.SETTLE
        case PaymentStatus.SUCCEEDED if shipment.status in ENDED:
            return BillingStep.REFUND
        case _:
            return None


def is_settled(order: Order) -> bool:
    """Whether no charge is in flight and no refund is due."""
    unsettled = (BillingStep.SETTLE, BillingStep.REFUND)
    return not any(step_of(order, shipment) in unsettled for shipment in order.shipments)


def invoice(order: Order, shipment: Shipment, draft: Draft, *, by: Actor, at: datetime) -> None:
    """Issues the invoice that the billing system calculated."""
    issued = Invoice(
        draft.number, draft.subtotal_minor, draft.discount_minor, draft.tax_minor, draft.shipping_minor, at
    )
    order.record_for(shipment, E.ShipmentInvoiced, by=by, at=at, total=issued.total_minor, number=issued.number)
    shipment.payment.invoice = issued


def start_charge(
    order: Order, shipment: Shipment, settings: FraudSettings, *, tally_minor: int, by: Actor, at: datetime
) -> Verdict:
    """Fraud control before the charge: commits to charging the invoice, holds the charge, or declines it.

    `tally_minor`: what the customer has spent in the settings' period, in the order's currency.
    Raises Refused(CONFLICT) unless the payment is PENDING.
    """
    total = shipment.payment.due_minor
    judgement = judge(settings, currency=order.currency, tally_minor=tally_minor, amount_minor=total)
    match judgement.verdict:
        case Verdict.CHARGE:
            order.record_for(shipment, E.ChargeStarted, by=by, at=at, amount=total)
            shipment.payment.period = settings.period
            shipment.payment.reason = None
        case Verdict.HOLD:
            if shipment.payment.reason != judgement.reason:
                order.record_for(shipment, E.ChargeHeld, by=by, at=at, reason=judgement.reason)
            shipment.payment.reason = judgement.reason
        case Verdict.DECLINE:
            decline(order, shipment, by=by, at=at, reason=judgement.reason)
    return judgement.verdict


def charged(order: Order, shipment: Shipment, *, by: Actor, at: datetime) -> None:
    """The money was taken. A pending shipment is booked next; one that has ended is refunded."""
    total = shipment.payment.due_minor
    order.record_for(shipment, E.ShipmentCharged, by=by, at=at, amount=total)
    shipment.payment.charged_minor = total
    shipment.payment.charged_at = at
    shipment.booking_open = shipment.status == ShipmentStatus.PENDING


def decline(order: Order, shipment: Shipment, *, by: Actor, at: datetime, reason: str) -> None:
    """No money was taken. Only this shipment fails."""
    order.record_for(shipment, E.ChargeDeclined, by=by, at=at, reason=reason)
    shipment.payment.reason = reason
    close_if_done(order, by=by, at=at, reason=reason)


def refunded(order: Order, shipment: Shipment, *, by: Actor, at: datetime) -> None:
    """Everything that was charged has been paid back."""
    amount = shipment.payment.charged_minor
    order.record_for(shipment, E.ShipmentRefunded, by=by, at=at, amount=amount)
    shipment.payment.refunded_minor = amount
