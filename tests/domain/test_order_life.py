"""The life of an order, from placing to its final status."""

from datetime import date, timedelta
from zoneinfo import ZoneInfo

import pytest

from oms.domain.fulfilment import commands as fulfilment
from oms.domain.order.model import OrderStatus
from oms.domain.order.payment import PaymentStatus
from oms.domain.order.policy import OrderReason
from oms.domain.order.shipment import ShipmentStatus
from oms.domain.vocabulary.errors import Code, Refused
from tests.shop import COURIER, ShopUnderTest


async def test_an_order_is_allocated_charged_booked_and_delivered(shop: ShopUnderTest) -> None:
    await shop.stock_up({"MUG": {"A": 5}, "LAMP": {"A": 5}}, price=1000)
    order_id = await shop.place({"MUG": 2, "LAMP": 1})
    await shop.run()
    order = await shop.order(order_id)
    [shipment] = order.shipments
    assert order.status == OrderStatus.PROCESSING
    assert shipment.status == ShipmentStatus.BOOKED
    assert shipment.payment.charged_minor == 3000
    assert shipment.tracking_number
    await shop.dispatch(order_id)
    await shop.deliver(order_id)
    order = await shop.order(order_id)
    assert order.status == OrderStatus.COMPLETED
    assert order.closed_at
    assert await shop.levels() == {("MUG", "A"): (3, 0), ("LAMP", "A"): (4, 0)}
    assert await shop.events(order_id) == [
        "OrderPlaced",
        "ItemsAllocated",
        "ShipmentInvoiced",
        "ChargeStarted",
        "ShipmentCharged",
        "ShipmentBooked",
        "ShipmentDispatched",
        "ShipmentDelivered",
        "OrderCompleted",
    ]
    assert await shop.rows("SELECT * FROM work") == []


async def test_an_order_that_one_warehouse_cannot_fill_is_split_and_each_part_billed_alone(shop: ShopUnderTest) -> None:
    await shop.stock_up({"MUG": {"A": 2, "B": 1}, "LAMP": {"B": 1}})
    order_id = await shop.place({"MUG": 3, "LAMP": 1})
    await shop.run()
    order = await shop.order(order_id)
    assert [(s.warehouse_code, s.payment.charged_minor) for s in order.shipments] == [("A", 2000), ("B", 2000)]
    assert len(shop.charges()) == 2


async def test_unavailable_items_amend_the_order_and_nothing_is_charged(shop: ShopUnderTest) -> None:
    await shop.stock_up({"MUG": {"A": 2}})
    order_id = await shop.place([("MUG", 2), ("MUG", 1)])
    await shop.run()
    await shop.stock_up({"MUG": {"A": 50}})
    await shop.run()
    order = await shop.order(order_id)
    assert order.status == OrderStatus.CUSTOMER_ACTION_REQUIRED
    assert await shop.rows("SELECT number, unavailable FROM order_lines ORDER BY number") == [(1, 0), (2, 1)]
    assert await shop.levels() == {("MUG", "A"): (50, 2)}
    assert shop.log.page() == []


async def test_an_accepted_amendment_continues_without_the_unavailable_units(shop: ShopUnderTest) -> None:
    await shop.stock_up({"MUG": {"A": 2}})
    order_id = await shop.place({"MUG": 3})
    await shop.run()
    await shop.accept(order_id)
    await shop.run()
    [shipment] = (await shop.order(order_id)).shipments
    assert (shipment.status, shipment.payment.charged_minor) == (ShipmentStatus.BOOKED, 2000)


async def test_a_repeated_accept_and_an_accept_after_cancel_are_conflicts(shop: ShopUnderTest) -> None:
    await shop.stock_up({"MUG": {"A": 2}})
    order_id = await shop.place({"MUG": 3})
    await shop.run()
    await shop.accept(order_id)
    with pytest.raises(Refused) as refusal:
        await shop.accept(order_id)
    assert refusal.value.problems[0].code == Code.CONFLICT
    await shop.cancel(order_id)
    with pytest.raises(Refused) as refusal:
        await shop.accept(order_id)
    assert refusal.value.problems[0].code == Code.CONFLICT


async def test_an_accept_after_the_deadline_is_a_conflict_even_before_the_timer_has_acted(shop: ShopUnderTest) -> None:
    await shop.stock_up({"MUG": {"A": 2}})
    order_id = await shop.place({"MUG": 3})
    await shop.run()
    await shop.execute("UPDATE orders SET action_deadline = clock_timestamp() - interval '1 ms'")
    with pytest.raises(Refused) as refusal:
        await shop.accept(order_id)
    assert refusal.value.problems[0].code == Code.CONFLICT


async def test_an_order_without_an_answer_times_out_at_its_deadline_and_releases_its_stock(shop: ShopUnderTest) -> None:
    await shop.stock_up({"MUG": {"A": 2}})
    order_id = await shop.place({"MUG": 3})
    await shop.run()
    await shop.execute("UPDATE orders SET action_deadline = clock_timestamp() - interval '1 ms'")
    await shop.execute("UPDATE work SET due_at = clock_timestamp() WHERE queue = 'deadlines'")
    await shop.run()
    order = await shop.order(order_id)
    assert order.status == OrderStatus.TIMED_OUT
    assert [s.status for s in order.shipments] == [ShipmentStatus.CANCELLED]
    assert await shop.levels() == {("MUG", "A"): (2, 0)}
    assert (await shop.events(order_id))[-1] == "OrderTimedOut"


async def test_a_deadline_never_acts_early(shop: ShopUnderTest) -> None:
    await shop.stock_up({"MUG": {"A": 2}})
    order_id = await shop.place({"MUG": 3})
    await shop.run()
    await shop.execute("UPDATE work SET due_at = clock_timestamp() WHERE queue = 'deadlines'")
    await shop.run()
    assert (await shop.order(order_id)).status == OrderStatus.CUSTOMER_ACTION_REQUIRED


async def test_a_declined_shipment_fails_alone(shop: ShopUnderTest) -> None:
    await shop.stock_up({"MUG": {"A": 1}, "LAMP": {"B": 1}})
    await shop.execute("UPDATE fraud_settings SET limits = '{\"USD\": 1500}'")
    order_id = await shop.place({"MUG": 1, "LAMP": 1})
    await shop.run()
    order = await shop.order(order_id)
    assert sorted(s.status for s in order.shipments) == [ShipmentStatus.BOOKED, ShipmentStatus.FAILED]
    declined = next(s for s in order.shipments if s.status == ShipmentStatus.FAILED)
    assert (declined.payment.status, declined.payment.reason) == (PaymentStatus.DECLINED, "SPENDING_LIMIT_EXCEEDED")
    assert sum(allocated for _, allocated in (await shop.levels()).values()) == 1
    booked = next(s for s in order.shipments if s.status == ShipmentStatus.BOOKED)
    await shop.dispatch(order_id, booked.number)
    await shop.deliver(order_id, booked.number)
    assert (await shop.order(order_id)).status == OrderStatus.COMPLETED


async def test_an_order_whose_every_charge_is_declined_has_failed(shop: ShopUnderTest) -> None:
    await shop.stock_up({"MUG": {"A": 1}})
    order_id = await shop.place({"MUG": 1}, payment_method="sandbox-declined")
    await shop.run()
    order = await shop.order(order_id)
    assert order.status == OrderStatus.FAILED
    assert order.shipments[0].payment.reason == "CARD_DECLINED"
    assert (await shop.levels(), await shop.tally()) == ({("MUG", "A"): (1, 0)}, 0)


async def test_cancel_ends_open_shipments_at_once_and_refunds_what_was_charged(shop: ShopUnderTest) -> None:
    await shop.stock_up({"MUG": {"A": 1}})
    order_id = await shop.place({"MUG": 1})
    await shop.run()
    assert await shop.tally() == 1000
    await shop.cancel(order_id)
    order = await shop.order(order_id)
    assert (order.status, order.shipments[0].status) == (OrderStatus.CANCELLED, ShipmentStatus.CANCELLED)
    assert await shop.levels() == {("MUG", "A"): (1, 0)}
    await shop.run()
    payment = (await shop.order(order_id)).shipments[0].payment
    assert (payment.status, payment.refunded_minor, await shop.tally()) == (PaymentStatus.REFUNDED, 1000, 0)
    assert (await shop.events(order_id))[-2:] == ["ShipmentRefunded", "BookingReleased"]
    assert await shop.rows("SELECT * FROM work") == []


async def test_once_a_shipment_is_dispatched_the_order_cannot_be_cancelled(shop: ShopUnderTest) -> None:
    await shop.stock_up({"MUG": {"A": 1}})
    order_id = await shop.place({"MUG": 1})
    await shop.run()
    await shop.dispatch(order_id)
    with pytest.raises(Refused) as refusal:
        await shop.cancel(order_id)
    assert refusal.value.problems[0].code == Code.CONFLICT
    assert "on its way" in refusal.value.problems[0].message


async def test_a_lost_shipment_is_refunded_and_its_units_stay_gone(shop: ShopUnderTest) -> None:
    await shop.stock_up({"MUG": {"A": 3}})
    order_id = await shop.place({"MUG": 1})
    await shop.run()
    await shop.dispatch(order_id)
    await shop.fail(order_id)
    await shop.run()
    order = await shop.order(order_id)
    assert (order.status, order.shipments[0].payment.status) == (OrderStatus.FAILED, PaymentStatus.REFUNDED)
    assert await shop.levels() == {("MUG", "A"): (2, 0)}


async def test_a_shipment_that_was_never_collected_is_refunded_released_and_its_units_are_free(
    shop: ShopUnderTest,
) -> None:
    await shop.stock_up({"MUG": {"A": 3}})
    order_id = await shop.place({"MUG": 1})
    await shop.run()
    await shop.fail(order_id, reason="Never collected")
    await shop.run()
    assert await shop.levels() == {("MUG", "A"): (3, 0)}
    assert {"ShipmentRefunded", "BookingReleased"} <= set(await shop.events(order_id))


@pytest.mark.parametrize("steps", [("deliver",), ("dispatch", "dispatch"), ("dispatch", "deliver", "deliver")])
async def test_dispatch_and_deliver_happen_once_and_in_that_order(shop: ShopUnderTest, steps: tuple[str, ...]) -> None:
    await shop.stock_up({"MUG": {"A": 1}})
    order_id = await shop.place({"MUG": 1})
    await shop.run()
    *fine, refused = steps
    for step in fine:
        await getattr(shop, step)(order_id)
    before = await shop.events(order_id)
    with pytest.raises(Refused) as refusal:
        await getattr(shop, refused)(order_id)
    assert refusal.value.problems[0].code == Code.CONFLICT
    assert await shop.events(order_id) == before


async def test_the_day_of_the_next_attempt_is_that_of_the_courier_s_place(shop: ShopUnderTest) -> None:
    """Places where it is never the same day: one is fourteen hours ahead of UTC, the other twelve behind."""
    await shop.stock_up({"MUG": {"A": 5}})
    order_id = await shop.place({"MUG": 1})
    await shop.run()
    await shop.dispatch(order_id)
    for zone in ("Pacific/Kiritimati", "Etc/GMT+12"):
        async with shop.db.transaction() as tx:
            await fulfilment.try_again(tx, COURIER, (order_id, 1), "Out", max_attempts=9, zone=ZoneInfo(zone))
    found = await shop.rows("SELECT data->>'next' FROM order_events WHERE type = 'DeliveryAttempted' ORDER BY seq")
    [ahead, behind] = [date.fromisoformat(day) for (day,) in found]
    assert ahead - behind in (timedelta(days=1), timedelta(days=2))


async def test_a_delivered_parcel_is_not_attempted_again_whatever_its_attempts(shop: ShopUnderTest) -> None:
    await shop.stock_up({"MUG": {"A": 5}})
    order_id = await shop.place({"MUG": 1})
    await shop.run()
    await shop.dispatch(order_id)
    for _ in range(2):
        await shop.try_again(order_id)
    await shop.deliver(order_id)
    with pytest.raises(Refused) as refusal:
        await shop.try_again(order_id)
    assert [problem.reason for problem in refusal.value.problems] == [OrderReason.NOT_DISPATCHED]
