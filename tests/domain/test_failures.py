"""Failures: providers that do not answer, lost answers, workers that lost their lease, poisonous items."""

import asyncio
from datetime import timedelta
from pathlib import Path

import pytest

from oms.domain.order.model import OrderStatus
from oms.domain.order.payment import PaymentStatus
from oms.domain.order.shipment import ShipmentStatus
from oms.domain.parked import commands as work
from oms.domain.vocabulary.errors import Code, Refused
from oms.domain.work import store as work_store
from oms.domain.work.model import WorkKey, backoff_s
from oms.jobs import billing
from oms.providers.ports import ChargeAnswer, ChargeRequest, InvoiceAnswer, InvoiceRequest, ProviderUnavailable
from tests.shop import MANAGER, SUPPORT, ShopUnderTest, open_shop


class Unreachable:
    """A billing system that takes the money and loses the answer, a given number of times."""

    def __init__(self, shop: ShopUnderTest, times: int) -> None:
        self.shop, self.times, self.charges = shop, times, 0
        self.refund = shop.sandbox.refund

    async def invoice(self, request: InvoiceRequest, /) -> InvoiceAnswer:
        return await self.shop.sandbox.invoice(request)

    async def charge(self, request: ChargeRequest, /) -> ChargeAnswer:
        answer = await self.shop.sandbox.charge(request)
        self.charges += 1
        if self.charges <= self.times:
            raise ProviderUnavailable("connection lost")
        return answer


def with_billing(shop: ShopUnderTest, system: Unreachable) -> None:
    object.__setattr__(shop.work, "billing", system)


async def due_now(shop: ShopUnderTest) -> None:
    await shop.execute("UPDATE work SET due_at = clock_timestamp() WHERE parked_at IS NULL AND NOT held")


async def test_a_charge_whose_answer_was_lost_is_repeated_with_its_key_and_made_once(
    shop: ShopUnderTest,
) -> None:
    await shop.stock_up({"MUG": {"A": 1}})
    with_billing(shop, Unreachable(shop, times=1))
    order_id = await shop.place({"MUG": 1})
    await shop.run()
    assert (await shop.order(order_id)).shipments[0].payment.status == PaymentStatus.CHARGING
    await due_now(shop)
    await shop.run()
    order = await shop.order(order_id)
    assert order.shipments[0].payment.status == PaymentStatus.SUCCEEDED
    assert (len(shop.charges()), await shop.tally()) == (1, 1000)


async def test_an_unreachable_billing_system_is_called_again(shop: ShopUnderTest) -> None:
    await shop.stock_up({"MUG": {"A": 1}})
    invoice, answers = shop.sandbox.invoice, iter([False])

    async def unreachable(request: InvoiceRequest) -> InvoiceAnswer:
        if next(answers, True):
            return await invoice(request)
        raise ProviderUnavailable("no route")

    shop.sandbox.invoice = unreachable  # type: ignore[method-assign]
    order_id = await shop.place({"MUG": 1})
    await shop.run()
    assert await shop.rows("SELECT last_error, suspect FROM work") == [("ProviderUnavailable: no route", False)]
    await due_now(shop)
    await shop.run()
    assert (await shop.order(order_id)).shipments[0].booked_at


async def test_a_charge_in_flight_when_the_order_is_cancelled_is_settled_first_and_then_refunded(
    shop: ShopUnderTest,
) -> None:
    await shop.stock_up({"MUG": {"A": 1}})
    with_billing(shop, Unreachable(shop, times=1))
    order_id = await shop.place({"MUG": 1})
    await shop.run()
    await shop.cancel(order_id)
    order = await shop.order(order_id)
    assert (order.status, order.shipments[0].payment.status) == (OrderStatus.CANCELLED, PaymentStatus.CHARGING)
    await due_now(shop)
    await shop.run()
    payment = (await shop.order(order_id)).shipments[0].payment
    assert (payment.status, payment.charged_minor, payment.refunded_minor) == (PaymentStatus.REFUNDED, 1000, 1000)
    assert (await shop.tally(), await shop.rows("SELECT * FROM work")) == (0, [])


async def test_work_that_keeps_failing_is_parked_with_its_error_and_support_retries_it(shop: ShopUnderTest) -> None:
    await shop.stock_up({"MUG": {"A": 1}})
    with_billing(shop, Unreachable(shop, times=shop.work.attempts))
    order_id = await shop.place({"MUG": 1})
    for _ in range(5):
        await shop.run()
        await due_now(shop)
    [(error, parked)] = await shop.rows("SELECT last_error, parked_at IS NOT NULL FROM work")
    assert (error, parked) == ("ProviderUnavailable: connection lost", True)
    assert "WorkParked" in await shop.events(order_id)
    key = WorkKey(order_id, 1, "billing")
    with pytest.raises(Refused) as refusal:
        async with shop.db.transaction() as tx:
            await work.retry(tx, MANAGER, key)
    assert refusal.value.problems[0].code == Code.FORBIDDEN
    async with shop.db.transaction() as tx:
        await work.retry(tx, SUPPORT, key)
    await shop.run()
    assert (await shop.order(order_id)).shipments[0].status == ShipmentStatus.BOOKED
    assert "WorkRetried" in await shop.events(order_id)


async def test_parked_work_can_be_given_up_and_an_unknown_charge_is_still_settled_and_refunded(
    shop: ShopUnderTest,
) -> None:
    await shop.stock_up({"MUG": {"A": 1}})
    with_billing(shop, Unreachable(shop, times=shop.work.attempts))
    order_id = await shop.place({"MUG": 1})
    for _ in range(5):
        await shop.run()
        await due_now(shop)
    async with shop.db.transaction() as tx:
        await work.give_up(tx, SUPPORT, WorkKey(order_id, 1, "billing"), "The billing system has lost it")
    assert (await shop.order(order_id)).status == OrderStatus.FAILED
    assert await shop.levels() == {("MUG", "A"): (1, 0)}
    await shop.run()
    assert (await shop.order(order_id)).shipments[0].payment.status == PaymentStatus.REFUNDED


async def test_a_worker_that_wakes_up_after_its_lease_writes_nothing(shop: ShopUnderTest) -> None:
    await shop.stock_up({"MUG": {"A": 1}})
    order_id = await shop.place({"MUG": 1})
    await shop.run("allocation")
    async with shop.db.transaction() as tx:
        late = await work_store.claim(tx, "billing", limit=10, lease=timedelta(seconds=0))
    async with shop.db.transaction() as tx:
        taken_over = await work_store.claim(tx, "billing", limit=10, lease=timedelta(seconds=30))
    assert (len(late.items), [item.suspect for item in taken_over.items]) == (1, [True])
    await billing.handle(shop.work, late)
    assert (await shop.order(order_id)).shipments[0].payment.invoice is None
    await billing.handle(shop.work, taken_over)
    assert (await shop.order(order_id)).shipments[0].payment.status == PaymentStatus.SUCCEEDED


async def test_one_poisonous_order_does_not_sink_its_batch(shop: ShopUnderTest) -> None:
    await shop.stock_up({"MUG": {"A": 10}, "LAMP": {"A": 10}})
    poisoned = await shop.place({"LAMP": 1})
    fine = [await shop.place({"MUG": 1}) for _ in range(3)]
    # A plan that the table refuses.
    await shop.execute("ALTER TABLE stock ADD CONSTRAINT poison CHECK (sku <> 'LAMP' OR allocated = 0)")
    try:
        await shop.run()
        assert [(await shop.order(order)).status for order in fine] == [OrderStatus.PROCESSING] * 3
        [(attempt, suspect)] = await shop.rows("SELECT attempt, suspect FROM work WHERE subject_id = :id", id=poisoned)
        assert (attempt >= 1, suspect) == (True, True)
    finally:
        await shop.execute("ALTER TABLE stock DROP CONSTRAINT poison")
    await due_now(shop)
    await shop.run()
    assert (await shop.order(poisoned)).status == OrderStatus.PROCESSING


async def test_a_courier_who_finally_refuses_leads_to_a_refund_and_a_failed_shipment(
    database_url: str, tmp_path: Path
) -> None:
    async with open_shop(database_url, tmp_path, refusal_rate=1.0) as shop:
        await shop.stock_up({"MUG": {"A": 1}})
        order_id = await shop.place({"MUG": 1})
        await shop.run()
        order = await shop.order(order_id)
        assert (order.status, order.shipments[0].status) == (OrderStatus.FAILED, ShipmentStatus.FAILED)
        assert order.shipments[0].payment.status == PaymentStatus.REFUNDED
        assert await shop.levels() == {("MUG", "A"): (1, 0)}
        assert await shop.rows("SELECT * FROM work") == []


async def test_a_booking_that_arrives_after_the_cancel_is_cancelled_with_the_courier(shop: ShopUnderTest) -> None:
    await shop.stock_up({"MUG": {"A": 1}})
    order_id = await shop.place({"MUG": 1})
    booked = shop.sandbox.book

    async def slowly(request: object) -> object:
        answer = await booked(request)  # type: ignore[arg-type]
        await shop.cancel(order_id)
        return answer

    shop.sandbox.book = slowly  # type: ignore[method-assign, assignment]
    await shop.run()
    order = await shop.order(order_id)
    assert (order.status, order.shipments[0].booked_at) == (OrderStatus.CANCELLED, None)
    assert (await shop.events(order_id))[-1] in ("BookingReleased", "ShipmentRefunded")
    assert [call.entry.operation for call in shop.log.page()].count("release") == 1


async def test_slow_calls_hold_up_no_other_shipment(shop: ShopUnderTest) -> None:
    await shop.stock_up({"MUG": {"A": 10}})
    slow = await shop.place({"MUG": 1}, reference="slow")
    fast = await shop.place({"MUG": 1}, reference="fast")
    release = asyncio.Event()
    charge = shop.sandbox.charge

    async def held_up(request: ChargeRequest) -> ChargeAnswer:
        if slow.hex in request.key:
            await release.wait()
        return await charge(request)

    shop.sandbox.charge = held_up  # type: ignore[method-assign]
    running = asyncio.create_task(shop.run())
    for _ in range(200):
        if (await shop.order(fast)).shipments and (await shop.order(fast)).shipments[0].booked_at:
            break
        await asyncio.sleep(0.02)
    assert (await shop.order(slow)).shipments[0].payment.status == PaymentStatus.CHARGING
    assert (await shop.order(fast)).shipments[0].payment.status == PaymentStatus.SUCCEEDED
    release.set()
    await running
    assert (await shop.order(slow)).shipments[0].booked_at


def test_back_off_doubles_up_to_five_minutes() -> None:
    assert [backoff_s(attempt) for attempt in (1, 2, 3, 10, 11, 60)] == [0.5, 1, 2, 256, 300, 300]
