"""Retrying work later: only under a valid claim, and with locks taken in the common order."""

import asyncio
from pathlib import Path

from oms.domain.cancellation import commands as cancellation
from oms.domain.order.storage.load import lock
from oms.domain.work import store as work_store
from oms.domain.work.store import Batch
from oms.providers.ports import ChargeAnswer, ChargeRequest, InvoiceAnswer, InvoiceRequest, ProviderUnavailable
from tests.shop import SUPPORT, ShopUnderTest, open_shop, together

NO_ROUTE = ProviderUnavailable("no route")


class CancelledMeanwhile:
    """A billing system that does not answer; the customer cancels during the call."""

    def __init__(self, shop: ShopUnderTest) -> None:
        self.shop = shop

    async def invoice(self, request: InvoiceRequest, /) -> InvoiceAnswer:
        [(order_id,)] = await self.shop.rows("SELECT id FROM orders")
        await self.shop.cancel(order_id)
        raise NO_ROUTE


class SilentAboutCharges:
    """A billing system that answers requests for invoices, and none for charges."""

    def __init__(self, shop: ShopUnderTest) -> None:
        self.shop = shop

    async def invoice(self, request: InvoiceRequest, /) -> InvoiceAnswer:
        return await self.shop.sandbox.invoice(request)

    async def charge(self, request: ChargeRequest, /) -> ChargeAnswer:
        raise NO_ROUTE


async def _claimed(shop: ShopUnderTest) -> Batch:
    async with shop.db.transaction() as tx:
        return await work_store.claim(tx, "billing", limit=10, lease=shop.work.lease)


async def test_work_that_a_cancellation_ended_is_not_reported_as_parked(database_url: str, tmp_path: Path) -> None:
    async with open_shop(database_url, tmp_path, attempts=1) as shop:
        object.__setattr__(shop.work, "billing", CancelledMeanwhile(shop))
        await shop.stock_up({"MUG": {"A": 1}})
        order_id = await shop.place({"MUG": 1})
        await shop.run()
        assert await shop.rows("SELECT step FROM work") == []
        assert (await shop.events(order_id))[-1] == "OrderCancelled"


async def test_a_worker_that_lost_its_lease_does_not_report_work_as_parked(database_url: str, tmp_path: Path) -> None:
    async with open_shop(database_url, tmp_path, attempts=1) as shop:
        await shop.stock_up({"MUG": {"A": 1}})
        order_id = await shop.place({"MUG": 1})
        await shop.run("allocation")
        late = await _claimed(shop)
        await shop.execute("UPDATE work SET leased_until = clock_timestamp() - interval '1 second'")
        await _claimed(shop)
        await shop.work.retry_later(late, {item.key: NO_ROUTE for item in late.items})
        assert "WorkParked" not in await shop.events(order_id)
        assert await shop.rows("SELECT parked_at, last_error FROM work") == [(None, None)]


async def test_a_new_step_is_not_parked_for_the_failures_of_the_step_before(
    shop: ShopUnderTest,
) -> None:
    """The invoice took all attempts but the last; the charge that follows it under the same claim has its own."""
    object.__setattr__(shop.work, "billing", SilentAboutCharges(shop))
    await shop.stock_up({"MUG": {"A": 1}})
    order_id = await shop.place({"MUG": 1})
    await shop.run("allocation")
    await shop.execute("UPDATE work SET attempt = :n", n=shop.work.attempts - 1)
    await shop.run("billing")
    assert await shop.rows("SELECT step, attempt, parked_at FROM work") == [("SETTLE", 1, None)]
    for _ in range(shop.work.attempts - 1):
        await shop.execute("UPDATE work SET due_at = clock_timestamp()")
        await shop.run("billing")
    assert await shop.rows("SELECT step, attempt FROM work WHERE parked_at IS NOT NULL") == [
        ("SETTLE", shop.work.attempts)
    ]
    assert (await shop.events(order_id))[-1] == "WorkParked"


async def test_retrying_one_shipment_later_and_parking_another_does_not_deadlock_with_a_cancellation(
    shop: ShopUnderTest,
) -> None:
    await shop.stock_up({"MUG": {"A": 1}, "LAMP": {"B": 1}})
    order_id = await shop.place({"MUG": 1, "LAMP": 1})
    await shop.run("allocation")
    await shop.execute("UPDATE work SET attempt = :n WHERE part = 2", n=shop.work.attempts - 1)
    batch = await _claimed(shop)

    async def cancel_slowly() -> None:
        async with shop.db.transaction() as tx:
            await lock(tx, [order_id])
            await asyncio.sleep(0.3)
            await cancellation.cancel(tx, SUPPORT, order_id, None)

    ended = await together(cancel_slowly(), shop.work.retry_later(batch, {item.key: NO_ROUTE for item in batch.items}))
    assert ended == [None, None]
    assert (await shop.events(order_id))[-1] == "OrderCancelled"
