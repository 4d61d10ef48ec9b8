"""Defects of the first systems of this kind (domain.md), which this one does not have: money, stock and work."""

from datetime import timedelta
from pathlib import Path

from oms.domain.fraud import commands as fraud
from oms.domain.order.model import OrderStatus
from oms.domain.work import store as work_store
from oms.jobs import billing
from oms.providers.ports import ChargeAnswer, ChargeRequest, ProviderUnavailable
from tests.shop import MANAGER, ShopUnderTest, open_shop


async def test_totals_that_add_a_running_subtotal_twice(database_url: str, tmp_path: Path) -> None:
    async with open_shop(
        database_url, tmp_path, tax_bps=1000, shipping_base_minor=500, shipping_per_unit_minor=10
    ) as shop:
        await shop.stock_up({"MUG": {"A": 9}, "LAMP": {"A": 9}, "POT": {"A": 9}}, price=333)
        order_id = await shop.place({"MUG": 1, "LAMP": 2, "POT": 3})
        await shop.run()
        invoice = (await shop.order(order_id)).shipments[0].payment.invoice
        assert invoice is not None
        assert invoice.subtotal_minor == 6 * 333
        assert invoice.tax_minor == 33 + 67 + 100, "10 % of 333, 666 and 999, each rounded half up"
        assert invoice.shipping_minor == 500 + 6 * 10
        assert invoice.total_minor == 1998 + 200 + 560


async def test_an_order_with_nothing_in_stock_that_crashes_and_retries_for_ever(shop: ShopUnderTest) -> None:
    await shop.stock_up({"MUG": {"A": 0}})
    order_id = await shop.place({"MUG": 1})
    await shop.run()
    order = await shop.order(order_id)
    assert (order.status, order.shipments) == (OrderStatus.CUSTOMER_ACTION_REQUIRED, [])
    assert await shop.rows("SELECT queue, attempt, last_error FROM work") == [("deadlines", 0, None)]


async def test_a_maintenance_mode_that_cannot_be_switched_off(shop: ShopUnderTest) -> None:
    for enabled in (True, False):
        async with shop.db.transaction() as tx:
            await fraud.set_maintenance(tx, MANAGER, enabled=enabled)
        assert await shop.rows("SELECT maintenance FROM fraud_settings") == [(enabled,)]
    await shop.stock_up({"MUG": {"A": 1}})
    await shop.place({"MUG": 1})
    await shop.run()
    assert len(shop.charges()) == 1


async def test_a_fraud_tally_that_a_restart_or_a_retry_corrupts(
    database_url: str, tmp_path: Path, shop: ShopUnderTest
) -> None:
    await shop.stock_up({"MUG": {"A": 5}})
    charge, lost = shop.sandbox.charge, iter([True, True, False])

    async def unreliable(request: ChargeRequest) -> ChargeAnswer:
        answer = await charge(request)
        if next(lost, False):
            raise ProviderUnavailable("the answer was lost")
        return answer

    shop.sandbox.charge = unreliable  # type: ignore[method-assign]
    await shop.place({"MUG": 2})
    for _ in range(4):
        await shop.run()
        assert await shop.tally() == 2000, "reserved once, however often the charge is repeated"
        await shop.execute("UPDATE work SET due_at = clock_timestamp()")


async def test_cancel_that_leaves_stock_allocated(shop: ShopUnderTest) -> None:
    await shop.stock_up({"MUG": {"A": 5, "B": 5}})
    waiting = await shop.place({"MUG": 12})
    await shop.run()
    assert sum(allocated for _, allocated in (await shop.levels()).values()) == 10
    await shop.cancel(waiting)
    assert await shop.levels() == {("MUG", "A"): (5, 0), ("MUG", "B"): (5, 0)}


async def test_a_retry_that_charges_twice(shop: ShopUnderTest) -> None:
    await shop.stock_up({"MUG": {"A": 5}})
    order_id = await shop.place({"MUG": 1})
    await shop.run("allocation")
    # Three workers, each of which takes over after the last one's lease, all still running.
    for _ in range(3):
        async with shop.db.transaction() as tx:
            batch = await work_store.claim(tx, "billing", limit=10, lease=timedelta(0))
        async with shop.db.transaction() as tx:
            taken_over = await work_store.claim(tx, "billing", limit=10, lease=timedelta(0))
        await billing.handle(shop.work, batch)
        if taken_over.items:
            await billing.handle(shop.work, taken_over)
    await shop.run()
    assert shop.charges() == [f"{order_id.hex}-1-charge"]
    assert (await shop.events(order_id)).count("ShipmentCharged") == 1
    assert await shop.tally() == 1000
