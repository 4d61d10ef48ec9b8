"""What stands still: each cause brought about in a real shop, and nothing said of what moves."""

from datetime import timedelta
from pathlib import Path
from uuid import UUID

import pytest

from oms.domain.diagnosis import queries
from oms.domain.diagnosis import queries as read
from oms.domain.diagnosis.model import Cause, Patience, Standstill
from oms.domain.fraud import commands as fraud
from oms.domain.work import store as work_store
from oms.domain.work.model import Queue
from tests.shop import MANAGER, ShopUnderTest, open_shop

SHORT = Patience(work=timedelta(0), answer=timedelta(days=3), pickup=timedelta(days=2), delivery=timedelta(days=14))


async def standing(shop: ShopUnderTest, patience: Patience = SHORT) -> list[Standstill]:
    return (await queries.standstills(shop.db, patience)).standstills


async def causes(shop: ShopUnderTest, patience: Patience = SHORT) -> list[Cause]:
    return [standstill.cause for standstill in await standing(shop, patience)]


async def serve(shop: ShopUnderTest, *queues: Queue) -> None:
    async with shop.db.transaction() as tx:
        await work_store.worker_seen(tx, "a worker", [str(queue) for queue in queues])


async def an_order(shop: ShopUnderTest, **fields: str) -> UUID:
    await shop.stock_up({"MUG": {"A": 5}})
    return await shop.place({"MUG": 1}, **fields)


async def test_an_order_just_placed_does_not_stand_still(shop: ShopUnderTest) -> None:
    await an_order(shop)
    assert await causes(shop, Patience()) == []


async def test_an_order_that_ended_does_not_stand_still_however_old(shop: ShopUnderTest) -> None:
    order_id = await an_order(shop)
    await shop.run()
    await shop.dispatch(order_id)
    await shop.deliver(order_id)
    await shop.execute("UPDATE shipments SET updated_at = updated_at - interval '90 days'")
    assert await causes(shop) == []


async def test_work_that_no_worker_serves_names_the_queue_to_start_one_for(shop: ShopUnderTest) -> None:
    await an_order(shop, reference="WAITS")
    await serve(shop, Queue.BILLING)
    [found] = await standing(shop)
    assert (found.cause, found.subject.reference, found.subject.shipment) == (Cause.NO_WORKER, "WAITS", 0)
    assert "`allocation`" in found.remedy


async def test_work_that_living_workers_have_not_come_to_is_a_backlog(shop: ShopUnderTest) -> None:
    await an_order(shop)
    await serve(shop, *Queue)
    assert await causes(shop) == [Cause.BACKLOG]


async def test_work_under_a_lease_is_in_hand_until_the_lease_ends(shop: ShopUnderTest) -> None:
    await an_order(shop)
    await serve(shop, *Queue)
    async with shop.db.transaction() as tx:
        await work_store.claim(tx, Queue.ALLOCATION, most=10, lease=timedelta(seconds=30))
    [found] = await standing(shop)
    [(leased_until,)] = await shop.rows("SELECT leased_until FROM work")
    assert (found.cause, found.next_at) == (Cause.IN_HAND, leased_until)
    await shop.execute("UPDATE work SET leased_until = clock_timestamp() - interval '1 second'")
    assert await causes(shop) == [Cause.BACKLOG]


async def test_a_provider_that_does_not_answer_is_named_with_its_error_and_the_next_attempt(
    database_url: str, tmp_path: Path
) -> None:
    async with open_shop(database_url, tmp_path, failure_rate=1.0, attempts=9) as shop:
        await an_order(shop)
        await serve(shop, *Queue)
        await shop.run()
        [found] = await standing(shop)
        [(due_at, error)] = await shop.rows("SELECT due_at, last_error FROM work")
        assert (found.cause, found.next_at) == (Cause.FAILING, due_at)
        assert error
        assert error in found.remedy


async def test_parked_work_is_told_at_once_with_its_reason(database_url: str, tmp_path: Path) -> None:
    async with open_shop(database_url, tmp_path, failure_rate=1.0, attempts=1) as shop:
        await an_order(shop)
        await shop.run()
        [found] = await standing(shop, Patience())
        [(error,)] = await shop.rows("SELECT last_error FROM work")
        assert found.cause == Cause.PARKED
        assert error in found.remedy
        assert "Support" in found.remedy


async def test_a_charge_that_maintenance_holds_waits_for_a_manager(shop: ShopUnderTest) -> None:
    async with shop.db.transaction() as tx:
        await fraud.set_maintenance(tx, MANAGER, enabled=True)
    await an_order(shop)
    await serve(shop, *Queue)
    await shop.run()
    [found] = await standing(shop)
    assert found.cause == Cause.MAINTENANCE
    assert "manager" in found.remedy


async def test_an_amended_order_stands_still_only_when_its_customer_is_slow(shop: ShopUnderTest) -> None:
    await shop.stock_up({"MUG": {"A": 1}})
    await shop.place({"MUG": 3})
    await serve(shop, *Queue)
    await shop.run()
    assert await causes(shop) == []
    slow = Patience(work=timedelta(0), answer=timedelta(0))
    [found] = await standing(shop, slow)
    [(deadline,)] = await shop.rows("SELECT action_deadline FROM orders")
    assert (found.cause, found.next_at) == (Cause.NO_ANSWER, deadline)


async def test_shipments_that_couriers_leave_or_lose_are_named(shop: ShopUnderTest) -> None:
    await shop.stock_up({"MUG": {"A": 1}, "CUP": {"B": 1}})
    order_id = await shop.place({"MUG": 1, "CUP": 1})
    await shop.run()
    await shop.dispatch(order_id, 2)
    assert await causes(shop) == []
    await shop.execute("UPDATE shipments SET updated_at = updated_at - interval '3 days'")
    [left] = await standing(shop)
    assert (left.cause, left.subject.shipment) == (Cause.NOT_PICKED_UP, 1)
    await shop.execute("UPDATE shipments SET updated_at = updated_at - interval '20 days'")
    assert await causes(shop) == [Cause.NOT_PICKED_UP, Cause.NOT_DELIVERED]


async def test_an_open_order_whose_work_is_gone_is_told_as_an_inconsistency(shop: ShopUnderTest) -> None:
    placed = await an_order(shop)
    await shop.execute("DELETE FROM work")
    [found] = await standing(shop)
    assert (found.cause, found.subject.order_id, found.subject.shipment) == (Cause.WORK_MISSING, placed, 0)


async def test_a_pending_shipment_whose_work_is_gone_is_told_as_an_inconsistency(shop: ShopUnderTest) -> None:
    await an_order(shop)
    await shop.run(Queue.ALLOCATION)
    await shop.execute("DELETE FROM work")
    [found] = await standing(shop)
    assert (found.cause, found.subject.shipment) == (Cause.WORK_MISSING, 1)


async def test_an_order_is_explained_even_while_nothing_is_wrong(shop: ShopUnderTest) -> None:
    await an_order(shop, reference="FINE")
    await serve(shop, *Queue)
    await shop.run()
    found = await queries.of_order(shop.db, "FINE")
    assert found is not None
    assert [standstill.cause for standstill in found.standstills] == [Cause.NOT_PICKED_UP]
    assert await queries.of_order(shop.db, "NO-SUCH-ORDER") is None


async def test_no_more_is_looked_at_than_is_bearable_and_what_waits_longest_comes_first(
    shop: ShopUnderTest, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(read, "MOST_LOOKED_AT", 3)
    await shop.stock_up({"MUG": {"A": 9}})
    placed = [await shop.place({"MUG": 1}) for _ in range(5)]
    found = await queries.standstills(shop.db, SHORT)
    assert [standstill.subject.order_id for standstill in found.standstills] == placed[:3]
    assert not found.is_whole


async def test_what_was_looked_at_and_is_well_counts_when_it_is_told_whether_that_was_all(
    shop: ShopUnderTest, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(read, "MOST_LOOKED_AT", 1)
    await shop.stock_up({"MUG": {"A": 9}})
    await shop.place({"MUG": 1})
    await shop.execute("UPDATE work SET last_error = 'away', due_at = due_at + interval '5 seconds'")
    found = await queries.standstills(shop.db, Patience())
    assert (found.standstills, found.is_whole) == ([], False)
