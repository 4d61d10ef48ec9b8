"""Booking couriers for charged shipments, and releasing what is no longer wanted."""

from oms.domain.booking import commands
from oms.domain.booking.commands import Answer, NoCourier, Released, ToBook
from oms.domain.booking.rules import Booking
from oms.domain.work.model import Step
from oms.domain.work.store import Batch
from oms.jobs.calls import answers
from oms.jobs.context import Shop
from oms.providers.ports import BookingRequest, ProviderUnavailable


async def carry(shop: Shop, batch: Batch) -> None:
    to_book = await commands.to_book(shop.db, batch)
    async for answered in answers({asked.key: _call(shop, asked) for asked in to_book}):
        await shop.put_off(batch, {k: a for k, a in answered.items() if isinstance(a, ProviderUnavailable)})
        async with shop.db.transaction() as tx:
            known = {k: a for k, a in answered.items() if not isinstance(a, ProviderUnavailable)}
            await commands.record(tx, batch, known)


async def _call(shop: Shop, asked: ToBook) -> Answer:
    key = f"{asked.key.order_id.hex}-{asked.key.shipment}-booking"
    if asked.step == Step.RELEASE:
        await shop.courier.release(key)
        return Released()
    answer = await shop.courier.book(BookingRequest(key, asked.warehouse_code, asked.units, asked.address))
    match answer.accepted, answer.courier_code, answer.courier_name, answer.tracking_number:
        case True, str(code), str(name), str(tracking):
            return Booking(code, name, tracking)
        case True, *_:
            raise ProviderUnavailable("The courier accepted without naming itself or a tracking number")
    return NoCourier(answer.reason or "COURIER_REFUSED")
