"""Billing one shipment: invoice, fraud control, charge, refund. Pure rules over a loaded order."""

from datetime import datetime

from oms.domain.fraud.model import FraudSettings, Verdict, judge
from oms.domain.order.decide import close_if_done
from oms.domain.order.model import Order
from oms.domain.order.payment import Draft, Invoice
from oms.domain.order.shipment import Shipment, ShipmentStatus
from oms.domain.vocabulary.actor import Actor
from oms.domain.vocabulary.events import EventType as E


def invoice(order: Order, shipment: Shipment, draft: Draft, *, by: Actor, at: datetime) -> None:
    """The billing system has said what it costs."""
    issued = Invoice(
        draft.number, draft.subtotal_minor, draft.discount_minor, draft.tax_minor, draft.shipping_minor, at
    )
    order.record_for(shipment, E.ShipmentInvoiced, by=by, at=at, total=issued.total_minor, number=issued.number)
    shipment.payment.invoice = issued


def start_charge(
    order: Order, shipment: Shipment, settings: FraudSettings, *, tally_minor: int, by: Actor, at: datetime
) -> Verdict:
    """Fraud control, before the charge: commits to charging the invoice, holds it, or declines it.

    `tally_minor` is the customer's tally of the settings' period in the order's currency.
    Raises Refused(CONFLICT) unless the payment is PENDING.
    """
    total = shipment.payment.due_minor
    judgement = judge(settings, tally_minor=tally_minor, amount_minor=total)
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
    """The money was taken; a shipment that is still wanted is booked next, another one is refunded."""
    total = shipment.payment.due_minor
    order.record_for(shipment, E.ShipmentCharged, by=by, at=at, amount=total)
    shipment.payment.charged_minor = total
    shipment.payment.charged_at = at
    shipment.booking_open = shipment.status == ShipmentStatus.PENDING


def decline(order: Order, shipment: Shipment, *, by: Actor, at: datetime, reason: str) -> None:
    """No money was taken: the shipment fails alone."""
    order.record_for(shipment, E.ChargeDeclined, by=by, at=at, reason=reason)
    shipment.payment.reason = reason
    close_if_done(order, by=by, at=at, reason=reason)


def refunded(order: Order, shipment: Shipment, *, by: Actor, at: datetime) -> None:
    """All that was taken has been paid back."""
    amount = shipment.payment.charged_minor
    order.record_for(shipment, E.ShipmentRefunded, by=by, at=at, amount=amount)
    shipment.payment.refunded_minor = amount
