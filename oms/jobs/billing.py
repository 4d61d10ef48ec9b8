"""Billing shipments: invoice, charge, refund. No transaction is open during a call."""

import asyncio
from collections.abc import Mapping

from oms.domain.billing import commands
from oms.domain.billing.commands import Settled, ToInvoice, ToSettle
from oms.domain.billing.rules import BillingStep
from oms.domain.order.payment import Draft
from oms.domain.vocabulary.failures import FailureReason
from oms.domain.work.model import WorkKey
from oms.domain.work.store import Batch
from oms.jobs.calls import answers
from oms.jobs.context import JobContext
from oms.providers.ports import (
    ChargeRequest,
    InvoiceAnswer,
    InvoiceRequest,
    ProviderUnavailable,
    RefundRequest,
    bill_lines,
)


async def handle(context: JobContext, batch: Batch) -> None:
    """Requests missing invoices; charges and refunds follow for each group of shipments as soon as it is ready."""
    to_invoice = await commands.to_invoice(context.db, batch)
    waiting = {request.key for request in to_invoice}
    async with asyncio.TaskGroup() as group:
        if ready := [item for item in batch.items if item.key not in waiting]:
            group.create_task(_settle(context, batch.only(ready), {}))
        calls = {request.key: context.billing.invoice(_invoice_request(request)) for request in to_invoice}
        async for answered in answers(calls):
            await context.retry_later(batch, _unknown(answered))
            if drafts := {key: _drafted(a) for key, a in answered.items() if isinstance(a, InvoiceAnswer)}:
                group.create_task(_settle(context, batch.only(i for i in batch.items if i.key in drafts), drafts))


async def _settle(context: JobContext, batch: Batch, drafts: Mapping[WorkKey, Draft]) -> None:
    async with context.db.transaction() as tx:
        to_settle = await commands.start_charges(tx, batch, drafts)
    async for answered in answers({request.key: _call(context, request) for request in to_settle}):
        await context.retry_later(batch, _unknown(answered))
        async with context.db.transaction() as tx:
            await commands.record(tx, batch, {k: a for k, a in answered.items() if isinstance(a, Settled)})


async def _call(context: JobContext, request: ToSettle) -> Settled:
    """The key is the same for every attempt, so money moves once."""
    charge_key = _key(request.key, "charge")
    if request.step == BillingStep.REFUND:
        refund = RefundRequest(_key(request.key, "refund"), charge_key, request.amount_minor, request.currency)
        await context.billing.refund(refund)
        return Settled()
    charge = ChargeRequest(charge_key, request.amount_minor, request.currency, request.payment_method)
    answer = await context.billing.charge(charge)
    return Settled() if answer.succeeded else Settled(declined=answer.reason or FailureReason.DECLINED)


def _invoice_request(request: ToInvoice) -> InvoiceRequest:
    lines = bill_lines(request.items, request.tax_bps)
    return InvoiceRequest(_key(request.key, "invoice"), request.currency, lines)


def _drafted(answer: InvoiceAnswer) -> Draft:
    return Draft(answer.number, answer.subtotal_minor, answer.discount_minor, answer.tax_minor, answer.shipping_minor)


def _key(key: WorkKey, purpose: str) -> str:
    """Derived from the shipment, so that it is the same after a crash."""
    return f"{key.subject_id.hex}-{key.part}-{purpose}"


def _unknown(answered: Mapping[WorkKey, object]) -> dict[WorkKey, ProviderUnavailable]:
    return {key: answer for key, answer in answered.items() if isinstance(answer, ProviderUnavailable)}
