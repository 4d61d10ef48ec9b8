"""Booking couriers for charged shipments, and releasing bookings of ended ones."""

from oms.domain.booking import commands
from oms.domain.booking.commands import Answer, NoCourier, Released, ToBook
from oms.domain.booking.rules import Booking, BookingStep
from oms.domain.vocabulary.failures import FailureReason
from oms.domain.work.store import Batch
from oms.jobs.calls import answers
from oms.jobs.context import JobContext
from oms.providers.ports import BookingRequest, ProviderUnavailable


async def handle(context: JobContext, batch: Batch) -> None:
    to_book = await commands.to_book(context.db, batch)
    async for answered in answers({request.key: _call(context, request) for request in to_book}):
        await context.retry_later(batch, {k: a for k, a in answered.items() if isinstance(a, ProviderUnavailable)})
        async with context.db.transaction() as tx:
            known = {k: a for k, a in answered.items() if not isinstance(a, ProviderUnavailable)}
            await commands.record(tx, batch, known)


async def _call(context: JobContext, request: ToBook) -> Answer:
    key = f"{request.key.subject_id.hex}-{request.key.part}-booking"
    if request.step == BookingStep.RELEASE:
        await context.courier.release(key)
        return Released()
    answer = await context.courier.book(BookingRequest(key, request.warehouse_code, request.units, request.address))
    match answer.accepted, answer.courier_code, answer.courier_name, answer.tracking_number:
        case True, str(code), str(name), str(tracking):
            return Booking(code, name, tracking)
        case True, *_:
            raise ProviderUnavailable("The courier accepted without its name or a tracking number")
    return NoCourier(answer.reason or FailureReason.COURIER_REFUSED)
