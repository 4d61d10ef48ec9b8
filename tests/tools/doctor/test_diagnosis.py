"""Standstills: each cause is produced in a real shop and reported; what moves is not reported."""

from datetime import timedelta
from pathlib import Path
from uuid import UUID

import pytest

from oms.domain.amendments.concept import NO_ANSWER
from oms.domain.concept.standstill import Cause
from oms.domain.concepts import REGISTRY
from oms.domain.diagnosis import queries
from oms.domain.diagnosis.model import (
    BACKLOG,
    FAILING,
    IN_HAND,
    NO_WORKER,
    PARKED,
    WORK_MISSING,
    Standstill,
    Thresholds,
)
from oms.domain.fraud import commands as fraud
from oms.domain.fraud.gate import MAINTENANCE
from oms.domain.fulfilment.concept import NOT_DELIVERED, NOT_PICKED_UP
from oms.domain.work import store as work_store
from oms.domain.work.store import Heartbeat
from tests.shop import MANAGER, ShopUnderTest, open_shop

SHORT = Thresholds(work=timedelta(0))
"""What waits for people may do so for days, as its concept declares."""


async def standing(shop: ShopUnderTest, thresholds: Thresholds = SHORT) -> list[Standstill]:
    return (await queries.standstills(shop.db, thresholds)).standstills


async def causes(shop: ShopUnderTest, thresholds: Thresholds = SHORT) -> list[Cause]:
    return [standstill.cause for standstill in await standing(shop, thresholds)]


async def serve(shop: ShopUnderTest, *queues: str) -> None:
    async with shop.db.transaction() as tx:
        await work_store.heartbeat(tx, Heartbeat("a worker", queues, queues))


async def an_order(shop: ShopUnderTest, **fields: str) -> UUID:
    await shop.stock_up({"MUG": {"A": 5}})
    return await shop.place({"MUG": 1}, **fields)


async def test_an_order_that_was_just_placed_does_not_stand_still(shop: ShopUnderTest) -> None:
    await an_order(shop)
    assert await causes(shop, Thresholds()) == []


async def test_an_order_that_ended_does_not_stand_still_however_old(shop: ShopUnderTest) -> None:
    order_id = await an_order(shop)
    await shop.run()
    await shop.dispatch(order_id)
    await shop.deliver(order_id)
    await shop.execute("UPDATE shipments SET updated_at = updated_at - interval '90 days'")
    assert await causes(shop) == []


async def test_work_that_no_worker_serves_names_its_queue(shop: ShopUnderTest) -> None:
    await an_order(shop, reference="WAITS")
    await serve(shop, "billing")
    [found] = await standing(shop)
    assert (found.cause, found.subject.reference, found.subject.shipment) == (NO_WORKER, "WAITS", 0)
    assert "`allocation`" in found.remedy


async def test_due_work_of_a_served_queue_is_a_backlog(shop: ShopUnderTest) -> None:
    await an_order(shop)
    await serve(shop, *REGISTRY.work_kinds)
    assert await causes(shop) == [BACKLOG]


async def test_work_under_a_lease_is_in_hand_until_the_lease_ends(shop: ShopUnderTest) -> None:
    await an_order(shop)
    await serve(shop, *REGISTRY.work_kinds)
    async with shop.db.transaction() as tx:
        await work_store.claim(tx, "allocation", limit=10, lease=timedelta(seconds=30))
    [found] = await standing(shop)
    [(leased_until,)] = await shop.rows("SELECT leased_until FROM work")
    assert (found.cause, found.next_at) == (IN_HAND, leased_until)
    await shop.execute("UPDATE work SET leased_until = clock_timestamp() - interval '1 second'")
    assert await causes(shop) == [BACKLOG]


async def test_a_provider_that_does_not_answer_is_named_with_its_error_and_the_next_attempt(
    database_url: str, tmp_path: Path
) -> None:
    async with open_shop(database_url, tmp_path, failure_rate=1.0, attempts=9) as shop:
        await an_order(shop)
        await serve(shop, *REGISTRY.work_kinds)
        await shop.run()
        [found] = await standing(shop)
        [(due_at, error)] = await shop.rows("SELECT due_at, last_error FROM work")
        assert (found.cause, found.next_at) == (FAILING, due_at)
        assert error
        assert error in found.remedy


async def test_parked_work_is_reported_at_once_with_its_error(database_url: str, tmp_path: Path) -> None:
    async with open_shop(database_url, tmp_path, failure_rate=1.0, attempts=1) as shop:
        await an_order(shop)
        await shop.run()
        [found] = await standing(shop, Thresholds())
        [(error,)] = await shop.rows("SELECT last_error FROM work")
        assert found.cause == PARKED
        assert error in found.remedy
        assert "Support" in found.remedy


async def test_a_charge_that_maintenance_holds_waits_for_a_manager(shop: ShopUnderTest) -> None:
    async with shop.db.transaction() as tx:
        await fraud.set_maintenance(tx, MANAGER, enabled=True)
    await an_order(shop)
    await serve(shop, *REGISTRY.work_kinds)
    await shop.run()
    [found] = await standing(shop)
    assert found.cause == MAINTENANCE.cause
    assert "manager" in found.remedy


async def test_an_amended_order_stands_still_only_if_its_customer_is_slow(shop: ShopUnderTest) -> None:
    await shop.stock_up({"MUG": {"A": 1}})
    await shop.place({"MUG": 3})
    await serve(shop, *REGISTRY.work_kinds)
    await shop.run()
    assert await causes(shop) == []
    slow = Thresholds(work=timedelta(0), by_cause={NO_ANSWER.name: timedelta(0)})
    [found] = await standing(shop, slow)
    [(deadline,)] = await shop.rows("SELECT action_deadline FROM orders")
    assert (found.cause, found.next_at) == (NO_ANSWER, deadline)


async def test_shipments_that_are_not_picked_up_or_not_delivered_are_reported(shop: ShopUnderTest) -> None:
    await shop.stock_up({"MUG": {"A": 1}, "CUP": {"B": 1}})
    order_id = await shop.place({"MUG": 1, "CUP": 1})
    await shop.run()
    await shop.dispatch(order_id, 2)
    assert await causes(shop) == []
    await shop.execute("UPDATE shipments SET updated_at = updated_at - interval '3 days'")
    [left] = await standing(shop)
    assert (left.cause, left.subject.shipment) == (NOT_PICKED_UP, 1)
    await shop.execute("UPDATE shipments SET updated_at = updated_at - interval '20 days'")
    assert await causes(shop) == [NOT_PICKED_UP, NOT_DELIVERED]


async def test_an_open_order_without_work_is_reported_as_an_inconsistency(shop: ShopUnderTest) -> None:
    placed = await an_order(shop)
    await shop.execute("DELETE FROM work")
    [found] = await standing(shop)
    assert (found.cause, found.subject.order_id, found.subject.shipment) == (WORK_MISSING, placed, 0)


async def test_a_pending_shipment_without_work_is_reported_as_an_inconsistency(shop: ShopUnderTest) -> None:
    await an_order(shop)
    await shop.run("allocation")
    await shop.execute("DELETE FROM work")
    [found] = await standing(shop)
    assert (found.cause, found.subject.shipment) == (WORK_MISSING, 1)


async def test_an_order_is_explained_even_if_nothing_is_wrong(shop: ShopUnderTest) -> None:
    await an_order(shop, reference="FINE")
    await serve(shop, *REGISTRY.work_kinds)
    await shop.run()
    found = await queries.of_order(shop.db, "FINE")
    assert found is not None
    assert [standstill.cause for standstill in found.standstills] == [NOT_PICKED_UP]
    assert await queries.of_order(shop.db, "NO-SUCH-ORDER") is None


async def test_a_limited_number_is_examined_those_that_wait_longest_first(
    shop: ShopUnderTest, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(queries, "MAX_EXAMINED", 3)
    await shop.stock_up({"MUG": {"A": 9}})
    placed = [await shop.place({"MUG": 1}) for _ in range(5)]
    found = await queries.standstills(shop.db, SHORT)
    assert [standstill.subject.order_id for standstill in found.standstills] == placed[:3]
    assert not found.is_whole


async def test_examined_subjects_without_a_finding_count_towards_the_limit(
    shop: ShopUnderTest, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(queries, "MAX_EXAMINED", 1)
    await shop.stock_up({"MUG": {"A": 9}})
    await shop.place({"MUG": 1})
    await shop.execute("UPDATE work SET last_error = 'away', due_at = due_at + interval '5 seconds'")
    found = await queries.standstills(shop.db, Thresholds())
    assert (found.standstills, found.is_whole) == ([], False)
