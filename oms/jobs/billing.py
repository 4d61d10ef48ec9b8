"""Billing shipments: invoice, then charge; and paying back. No transaction is open while a call is made."""

import asyncio
from collections.abc import Mapping

from oms.domain.billing import commands
from oms.domain.billing.commands import Settled, ToInvoice, ToSettle
from oms.domain.order.payment import Draft
from oms.domain.work.model import Step, WorkKey
from oms.domain.work.store import Batch
from oms.jobs.calls import answers
from oms.jobs.context import Shop
from oms.providers.ports import (
    BillLine,
    ChargeRequest,
    InvoiceAnswer,
    InvoiceRequest,
    ProviderUnavailable,
    RefundRequest,
)


async def carry(shop: Shop, batch: Batch) -> None:
    """What has no invoice yet gets one; whatever then may be charged or paid back is, each group as it is ready."""
    to_invoice = await commands.to_invoice(shop.db, batch)
    waiting = {asked.key for asked in to_invoice}
    async with asyncio.TaskGroup() as group:
        if ready := [item for item in batch.items if item.key not in waiting]:
            group.create_task(_settle(shop, batch.only(ready), {}))
        calls = {asked.key: shop.billing.invoice(_invoice_request(asked)) for asked in to_invoice}
        async for answered in answers(calls):
            await shop.put_off(batch, _unknown(answered))
            if drafts := {key: _drafted(a) for key, a in answered.items() if isinstance(a, InvoiceAnswer)}:
                group.create_task(_settle(shop, batch.only(i for i in batch.items if i.key in drafts), drafts))


async def _settle(shop: Shop, batch: Batch, drafts: Mapping[WorkKey, Draft]) -> None:
    async with shop.db.transaction() as tx:
        to_settle = await commands.start_charges(tx, batch, drafts)
    async for answered in answers({asked.key: _call(shop, asked) for asked in to_settle}):
        await shop.put_off(batch, _unknown(answered))
        async with shop.db.transaction() as tx:
            await commands.record(tx, batch, {k: a for k, a in answered.items() if isinstance(a, Settled)})


async def _call(shop: Shop, asked: ToSettle) -> Settled:
    """The same key every time, so that however often it is asked, money moves once."""
    charge_key = _key(asked.key, "charge")
    if asked.step == Step.REFUND:
        refund = RefundRequest(_key(asked.key, "refund"), charge_key, asked.amount_minor, asked.currency)
        await shop.billing.refund(refund)
        return Settled()
    charge = ChargeRequest(charge_key, asked.amount_minor, asked.currency, asked.payment_method)
    answer = await shop.billing.charge(charge)
    return Settled() if answer.succeeded else Settled(declined=answer.reason or "DECLINED")


def _invoice_request(asked: ToInvoice) -> InvoiceRequest:
    lines = tuple(
        BillLine(item.sku, item.quantity, item.unit_price_minor, asked.tax_bps.get(item.sku)) for item in asked.items
    )
    return InvoiceRequest(_key(asked.key, "invoice"), asked.currency, lines)


def _drafted(answer: InvoiceAnswer) -> Draft:
    return Draft(answer.number, answer.subtotal_minor, answer.discount_minor, answer.tax_minor, answer.shipping_minor)


def _key(key: WorkKey, purpose: str) -> str:
    """Outlives crashes, for it is made of what it is about."""
    return f"{key.order_id.hex}-{key.shipment}-{purpose}"


def _unknown(answered: Mapping[WorkKey, object]) -> dict[WorkKey, ProviderUnavailable]:
    return {key: answer for key, answer in answered.items() if isinstance(answer, ProviderUnavailable)}
