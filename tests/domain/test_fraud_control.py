"""Fraud control: the limit holds under concurrency, maintenance holds charges, every change leaves a trace."""

import asyncio
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from oms.domain.fraud import commands as fraud
from oms.domain.fraud import store
from oms.domain.fraud.model import FraudSettings, Verdict, judge
from oms.domain.order.model import OrderStatus
from oms.domain.order.payment import PaymentStatus
from oms.domain.vocabulary.errors import Code, Refused
from tests.shop import COURIER, MANAGER, SUPPORT, ShopUnderTest


async def set_limit(shop: ShopUnderTest, minor: int, currency: str = "USD") -> None:
    async with shop.db.transaction() as tx:
        await fraud.set_spending_limit(tx, MANAGER, minor, currency)


async def set_maintenance(shop: ShopUnderTest, *, enabled: bool) -> None:
    async with shop.db.transaction() as tx:
        await fraud.set_maintenance(tx, MANAGER, enabled=enabled)


async def test_a_charge_may_reach_the_limit_but_not_pass_it(shop: ShopUnderTest) -> None:
    await shop.stock_up({"MUG": {"A": 10}})
    await set_limit(shop, 3000)
    orders = [await shop.place({"MUG": units}) for units in (1, 2, 1)]
    await shop.run()
    statuses = [(await shop.order(order)).status for order in orders]
    assert statuses.count(OrderStatus.FAILED) == 1
    assert await shop.tally() <= 3000


async def test_each_customer_and_currency_has_a_tally_of_its_own(shop: ShopUnderTest) -> None:
    await shop.stock_up({"MUG": {"A": 10}})
    await shop.stock_up({"TASSE": {"A": 10}}, currency="EUR")
    await set_limit(shop, 1000)
    orders = [
        await shop.place({"MUG": 1}, customer="ana"),
        await shop.place({"MUG": 1}, customer="bo"),
        await shop.place({"TASSE": 1}, customer="ana"),
    ]
    await shop.run()
    assert [(await shop.order(order)).status for order in orders] == [OrderStatus.PROCESSING] * 3


async def test_each_currency_has_a_limit_of_its_own(shop: ShopUnderTest) -> None:
    await shop.stock_up({"MUG": {"A": 10}})
    await shop.stock_up({"TASSE": {"A": 10}}, currency="EUR")
    await shop.stock_up({"XICARA": {"A": 10}}, currency="BRL")
    await set_limit(shop, 3000)
    await set_limit(shop, 1000, "EUR")
    orders = [await shop.place({sku: 2}) for sku in ("MUG", "TASSE", "XICARA")]
    await shop.run()
    declined = OrderStatus.FAILED
    assert [(await shop.order(order)).status for order in orders] == [
        OrderStatus.PROCESSING, declined, OrderStatus.PROCESSING,
    ]  # fmt: skip
    await set_limit(shop, 0, "EUR")
    again = await shop.place({"TASSE": 9})
    await shop.run()
    assert (await shop.order(again)).status == OrderStatus.PROCESSING


async def test_a_reset_removes_the_limit_of_every_currency(shop: ShopUnderTest) -> None:
    await set_limit(shop, 3000)
    await set_limit(shop, 1000, "EUR")
    async with shop.db.transaction() as tx:
        await fraud.reset(tx, MANAGER)
    assert await shop.rows("SELECT limits FROM fraud_settings") == [({},)]
    changes = await shop.rows("SELECT before, after FROM fraud_events ORDER BY seq DESC LIMIT 2")
    assert [(before["currency"], before["limit"], after["limit"]) for before, after in changes] == [
        ("USD", 3000, 0),
        ("EUR", 1000, 0),
    ]


@pytest.mark.parametrize("currency", ["", "usd", "DOLLAR", "U1D"])
async def test_a_limit_needs_a_currency(shop: ShopUnderTest, currency: str) -> None:
    with pytest.raises(Refused, match="three capital letters"):
        await set_limit(shop, 1000, currency)
    assert await shop.rows("SELECT limits FROM fraud_settings") == [({},)]


LIMITS = st.dictionaries(st.sampled_from(["USD", "EUR", "BRL"]), st.integers(1, 5_000))


@given(LIMITS, st.sampled_from(["USD", "EUR", "BRL"]), st.integers(0, 6_000), st.integers(0, 6_000))
def test_only_the_limit_of_its_own_currency_declines_a_charge(
    limits: dict[str, int], currency: str, tally_minor: int, amount_minor: int
) -> None:
    settings = FraudSettings(limits, False, 1, datetime(2026, 1, 1, tzinfo=UTC))
    verdict = judge(settings, currency=currency, tally_minor=tally_minor, amount_minor=amount_minor).verdict
    fits = currency not in limits or tally_minor + amount_minor <= limits[currency]
    assert verdict == (Verdict.CHARGE if fits else Verdict.DECLINE)


async def test_a_failed_charge_and_a_refund_reduce_the_tally(shop: ShopUnderTest) -> None:
    await shop.stock_up({"MUG": {"A": 10}})
    await set_limit(shop, 1000)
    await shop.place({"MUG": 1}, payment_method="sandbox-declined")
    await shop.run()
    assert await shop.tally() == 0
    order_id = await shop.place({"MUG": 1})
    await shop.run()
    assert await shop.tally() == 1000
    await shop.cancel(order_id)
    await shop.run()
    assert await shop.tally() == 0
    again = await shop.place({"MUG": 1})
    await shop.run()
    assert (await shop.order(again)).status == OrderStatus.PROCESSING


async def test_clearing_spending_starts_a_period_that_older_refunds_do_not_change(shop: ShopUnderTest) -> None:
    await shop.stock_up({"MUG": {"A": 10}})
    old = await shop.place({"MUG": 3})
    await shop.run()
    async with shop.db.transaction() as tx:
        await fraud.clear_spending(tx, MANAGER, "A new month")
    assert await shop.tally() == 0
    await shop.place({"MUG": 1})
    await shop.run()
    await shop.cancel(old)
    await shop.run()
    assert await shop.tally() == 1000
    assert (await shop.order(old)).shipments[0].payment.status == PaymentStatus.REFUNDED


async def test_maintenance_holds_charges_without_back_off_and_they_continue_after_it(shop: ShopUnderTest) -> None:
    await shop.stock_up({"MUG": {"A": 10}})
    await set_maintenance(shop, enabled=True)
    order_id = await shop.place({"MUG": 1})
    await shop.run()
    await shop.run()
    payment = (await shop.order(order_id)).shipments[0].payment
    assert (payment.status, payment.reason) == (PaymentStatus.PENDING, "FRAUD_MAINTENANCE")
    assert (await shop.events(order_id)).count("ChargeHeld") == 1
    assert shop.charges() == []
    await set_maintenance(shop, enabled=False)
    assert any("billing" in changes.queues for changes in shop.changes), "workers are woken at its end"
    await shop.run()
    order = await shop.order(order_id)
    assert (order.shipments[0].payment.status, order.shipments[0].payment.reason) == (PaymentStatus.SUCCEEDED, None)


async def test_a_charge_that_waited_for_the_end_of_maintenance_is_dated_after_it(shop: ShopUnderTest) -> None:
    """Its order is locked during the maintenance, its settings are read after it."""
    await shop.stock_up({"MUG": {"A": 10}})
    await set_maintenance(shop, enabled=True)
    await shop.place({"MUG": 1})
    await shop.run()
    await shop.execute("UPDATE work SET held = false, due_at = clock_timestamp()")
    async with shop.db.transaction() as tx:
        await store.settings_to_change(tx)
        work = asyncio.create_task(shop.run("billing"))
        await asyncio.sleep(0.5)  # the order is locked now, and the charge waits for the settings
        await fraud.set_maintenance(tx, MANAGER, enabled=False)
    await work
    [(ended,)] = await shop.rows("SELECT max(at) FROM fraud_events")
    [(started,)] = await shop.rows("SELECT at FROM order_events WHERE type = 'ChargeStarted'")
    assert started > ended


async def test_an_order_held_by_maintenance_can_be_cancelled_without_a_charge(shop: ShopUnderTest) -> None:
    await shop.stock_up({"MUG": {"A": 10}})
    await set_maintenance(shop, enabled=True)
    order_id = await shop.place({"MUG": 1})
    await shop.run()
    await shop.cancel(order_id)
    await set_maintenance(shop, enabled=False)
    await shop.run()
    assert (await shop.order(order_id)).shipments[0].payment.status == PaymentStatus.VOIDED
    assert shop.charges() == []


async def test_every_change_of_the_settings_leaves_old_and_new_value_and_actor(shop: ShopUnderTest) -> None:
    await set_limit(shop, 500)
    await set_maintenance(shop, enabled=True)
    await set_limit(shop, 500)
    async with shop.db.transaction() as tx:
        await fraud.reset(tx, MANAGER)
    async with shop.db.transaction() as tx:
        await fraud.clear_spending(tx, MANAGER, "Audit")
    events = await shop.rows(
        "SELECT seq, type, before, after, actor, actor_role, reason FROM fraud_events ORDER BY seq"
    )
    assert events == [
        (
            1,
            "SpendingLimitSet",
            {"limit": 0, "currency": "USD"},
            {"limit": 500, "currency": "USD"},
            "manager",
            "MANAGER",
            None,
        ),
        (2, "MaintenanceSwitched", {"maintenance": False}, {"maintenance": True}, "manager", "MANAGER", None),
        (
            3,
            "SpendingLimitSet",
            {"limit": 500, "currency": "USD"},
            {"limit": 0, "currency": "USD"},
            "manager",
            "MANAGER",
            None,
        ),
        (4, "MaintenanceSwitched", {"maintenance": True}, {"maintenance": False}, "manager", "MANAGER", None),
        (5, "SpendingCleared", {"period": 1}, {"period": 2}, "manager", "MANAGER", "Audit"),
    ]


@pytest.mark.parametrize("viewer", [SUPPORT, COURIER])
async def test_only_a_manager_sets_the_limit(shop: ShopUnderTest, viewer: object) -> None:
    with pytest.raises(Refused) as refusal:
        async with shop.db.transaction() as tx:
            await fraud.set_spending_limit(tx, viewer, 1, "USD")  # type: ignore[arg-type]
    assert refusal.value.problems[0].code == Code.FORBIDDEN


async def test_a_negative_limit_is_refused(shop: ShopUnderTest) -> None:
    with pytest.raises(Refused) as refusal:
        await set_limit(shop, -1)
    assert (refusal.value.problems[0].code, refusal.value.problems[0].path) == (Code.INVALID, ("limit",))
