"""Billing a batch of shipments: the transactions before and after the calls to the billing system."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from uuid import UUID

from oms.domain.billing import rules
from oms.domain.billing.rules import BillingStep
from oms.domain.catalog import store as catalog_store
from oms.domain.fraud import store as fraud_store
from oms.domain.fraud.model import Verdict
from oms.domain.order.model import Order
from oms.domain.order.payment import Draft, PaymentStatus
from oms.domain.order.shipment import Item, Shipment
from oms.domain.order.storage.load import LockedOrders, lock, peek
from oms.domain.vocabulary.actor import Actor
from oms.domain.work import store as work_store
from oms.domain.work.model import WorkKey
from oms.domain.work.store import Batch
from oms.platform.db import Database, Tx


@dataclass(frozen=True, slots=True)
class ToInvoice:
    """A shipment without an invoice, and the tax rate in basis points of each SKU that has its own."""

    key: WorkKey
    currency: str
    items: tuple[Item, ...]
    tax_bps: Mapping[str, int | None]


@dataclass(frozen=True, slots=True)
class ToSettle:
    """A charge or a refund whose intent is committed, so that it may be requested now, or again."""

    key: WorkKey
    step: BillingStep
    amount_minor: int
    currency: str
    payment_method: str


@dataclass(frozen=True, slots=True)
class Settled:
    """The outcome of such a request; `declined`: the billing system's stable reason."""

    declined: str | None = None


async def to_invoice(db: Database, batch: Batch) -> list[ToInvoice]:
    """The shipments of a batch that have no invoice yet."""
    orders = await peek(db, batch.subject_ids, items=True)
    waiting = [
        (key, orders[key.subject_id].currency, shipment.items)
        for key in sorted(batch.keys)
        for shipment in [_shipment(orders, key)]
        if shipment and shipment.payment.status == PaymentStatus.PENDING and not shipment.payment.invoice
    ]
    products = await catalog_store.of_skus(db, {item.sku for *_, items in waiting for item in items})
    rates = {sku: product.tax_bps for sku, product in products.items()}
    return [ToInvoice(key, currency, items, rates) for key, currency, items in waiting]


async def start_charges(tx: Tx, batch: Batch, drafts: Mapping[WorkKey, Draft]) -> list[ToSettle]:
    """Records invoices and applies fraud control; returns the requests to make now, whose intents are written.

    Held charges wait for the end of maintenance; declined shipments fail.
    """
    locked = await lock(tx, batch.subject_ids)
    ours = await work_store.verify_claims(tx, batch)
    _record_invoices(locked, {key: draft for key, draft in drafts.items() if key in ours})
    verdicts = await _control(tx, locked, ours)
    await locked.save()
    held = {key for key, verdict in verdicts.items() if verdict == Verdict.HOLD}
    await work_store.hold(tx, batch, held)
    declined = [key for key, verdict in verdicts.items() if verdict == Verdict.DECLINE]
    await work_store.ack(tx, batch, locked.still_due(declined))
    return [call for key in sorted(ours - held) if (call := _to_settle(locked, key))]


def _record_invoices(locked: LockedOrders, drafts: Mapping[WorkKey, Draft]) -> None:
    for key, draft in drafts.items():
        order, shipment = locked.get(key.subject_id), _shipment(locked.orders, key)
        if order and shipment and shipment.payment.status == PaymentStatus.PENDING and not shipment.payment.invoice:
            rules.invoice(order, shipment, draft, by=Actor(key.queue), at=locked.at)


async def _control(tx: Tx, locked: LockedOrders, keys: Collection[WorkKey]) -> dict[WorkKey, Verdict]:
    """Fraud control for invoiced shipments, one after the other; each sees the spending of those before it."""
    ready = [
        (key, locked.orders[key.subject_id], shipment)
        for key in sorted(keys)
        for shipment in [_shipment(locked.orders, key)]
        if shipment and shipment.payment.invoice and shipment.payment.status == PaymentStatus.PENDING
    ]
    if not ready:
        return {}
    settings, at = await fraud_store.settings_for_charges(tx)
    at = max(at, locked.at)  # when the settings were in force, not when the order was locked: they may wait between
    customers = {(order.customer_id, order.currency) for _, order, _ in ready}
    tallies = await fraud_store.lock_tallies(tx, customers, settings.period)
    verdicts: dict[WorkKey, Verdict] = {}
    for key, order, shipment in ready:
        tally = tallies[order.customer_id, order.currency]
        verdicts[key] = rules.start_charge(order, shipment, settings, tally_minor=tally, by=Actor(key.queue), at=at)
        tallies[order.customer_id, order.currency] += shipment.payment.tallied_minor
    return verdicts


def _to_settle(locked: LockedOrders, key: WorkKey) -> ToSettle | None:
    order, shipment = locked.get(key.subject_id), _shipment(locked.orders, key)
    step = rules.step_of(order, shipment) if order and shipment else None
    if order is None or shipment is None or step not in (BillingStep.SETTLE, BillingStep.REFUND):
        return None
    return ToSettle(key, step, shipment.payment.due_minor, order.currency, order.payment_method)


async def record(tx: Tx, batch: Batch, settled: Mapping[WorkKey, Settled]) -> None:
    """Records the outcomes of charges and refunds, if the batch's claim still holds."""
    locked = await lock(tx, batch.subject_ids)
    ours = await work_store.verify_claims(tx, batch) & settled.keys()
    for key in sorted(ours):
        order, shipment = locked.get(key.subject_id), _shipment(locked.orders, key)
        if order and shipment:
            _record(order, shipment, settled[key], locked)
    await locked.save()
    await work_store.ack(tx, batch, locked.still_due(ours))


def _record(order: Order, shipment: Shipment, outcome: Settled, locked: LockedOrders) -> None:
    by, at = Actor("billing"), locked.at
    match rules.step_of(order, shipment):
        case BillingStep.SETTLE if outcome.declined:
            rules.decline(order, shipment, by=by, at=at, reason=outcome.declined)
        case BillingStep.SETTLE:
            rules.charged(order, shipment, by=by, at=at)
        case BillingStep.REFUND:
            rules.refunded(order, shipment, by=by, at=at)


def _shipment(orders: Mapping[UUID, Order], key: WorkKey) -> Shipment | None:
    order = orders.get(key.subject_id)
    return order.shipment(key.part) if order else None
