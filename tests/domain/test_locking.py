"""A decision under a lock is based on the state when the lock was granted, and is dated after that."""

import asyncio
from datetime import timedelta
from uuid import UUID

from oms.domain.fraud import commands as fraud
from oms.domain.fraud import store as fraud_store
from oms.domain.fraud.model import FraudSettings
from oms.domain.inventory import store as stock_store
from oms.domain.order.events import OrderEvent
from oms.domain.order.storage.load import LockedOrders, lock
from oms.domain.vocabulary.actor import Actor
from tests.shop import MANAGER, ShopUnderTest

WAITING = "SELECT count(*) FROM pg_locks WHERE NOT granted"


async def _until_a_transaction_waits(shop: ShopUnderTest, transactions: int = 1) -> None:
    async with asyncio.timeout(10):
        while await shop.rows(WAITING) < [(transactions,)]:  # noqa: ASYNC110 - a lock sends no notification
            await asyncio.sleep(0.005)


async def _lock(shop: ShopUnderTest, *ids: UUID) -> LockedOrders:
    async with shop.db.transaction() as tx:
        return await lock(tx, ids)


async def test_the_time_of_a_lock_is_after_it_was_granted_whichever_order_delayed_it(
    shop: ShopUnderTest,
) -> None:
    await shop.stock_up({"MUG": {"A": 100}})
    orders = [await shop.place({"MUG": 1}) for _ in range(3)]
    for held in orders:
        async with shop.db.transaction() as holder:
            await lock(holder, [held])
            waiting = asyncio.create_task(_lock(shop, *orders))
            await _until_a_transaction_waits(shop)
            released_at = await holder.clock()
        assert (await waiting).at > released_at


async def test_the_time_of_a_lock_is_not_before_an_event_that_was_committed_while_waiting_for_it(
    shop: ShopUnderTest,
) -> None:
    """Also if the database's clock was set back between the two."""
    await shop.stock_up({"MUG": {"A": 100}})
    order = await shop.place({"MUG": 1})
    async with shop.db.transaction() as holder:
        locked = await lock(holder, [order])
        waiting = asyncio.create_task(_lock(shop, order))
        await _until_a_transaction_waits(shop)
        before_the_clock_was_set = locked.at + timedelta(hours=1)
        locked.orders[order].open_shipment("A", before_the_clock_was_set)
        locked.orders[order].record(OrderEvent.ItemsAllocated, by=Actor("allocation"), at=before_the_clock_was_set)
        await locked.save()
    assert (await waiting).at == before_the_clock_was_set
    assert (await _lock(shop, order)).at == before_the_clock_was_set


async def test_changes_committed_while_waiting_for_a_lock_are_seen(shop: ShopUnderTest) -> None:
    await shop.stock_up({"MUG": {"A": 100}})
    order = await shop.place({"MUG": 1})
    async with shop.db.transaction() as holder:
        locked = await lock(holder, [order])
        waiting = asyncio.create_task(_lock(shop, order))
        await _until_a_transaction_waits(shop)
        shipment = locked.orders[order].open_shipment("A", locked.at)
        locked.orders[order].record(OrderEvent.ItemsAllocated, by=Actor("allocation"), at=locked.at)
        await locked.save()
    found = (await waiting).orders[order]
    assert (found.status, found.last_seq) == ("PROCESSING", 2)
    assert [each.number for each in found.shipments] == [shipment.number]


async def test_concurrent_changes_of_stock_and_tallies_add_up(shop: ShopUnderTest) -> None:
    await shop.stock_up({"MUG": {"A": 100}, "TEA": {"A": 100}})
    await shop.place({"MUG": 1}, customer="ana")
    [(ana,)] = await shop.rows("SELECT id FROM customers")
    async with shop.db.transaction() as tx:
        await fraud_store.lock_tallies(tx, [(ana, "USD")], 1)

    async def move() -> None:
        async with shop.db.transaction() as tx:
            await stock_store.move(tx, allocated={("TEA", "A"): 2, ("MUG", "A"): 1}, gone={})
            await fraud_store.move_tallies(tx, {(ana, "USD", 1): 10})

    async with shop.db.transaction() as holder:
        await stock_store.move(holder, allocated={("MUG", "A"): 5}, gone={})
        await fraud_store.move_tallies(holder, {(ana, "USD", 1): 3})
        waiting = [asyncio.create_task(move()) for _ in range(3)]
        await _until_a_transaction_waits(shop)
    await asyncio.gather(*waiting)
    assert await shop.levels() == {("MUG", "A"): (100, 8), ("TEA", "A"): (100, 6)}
    assert await shop.tally() == 33


async def test_a_change_of_the_fraud_settings_is_before_charges_that_came_after_it(shop: ShopUnderTest) -> None:
    """Otherwise charges that overlap without a gap would keep the manager waiting for ever."""

    async def change() -> None:
        async with shop.db.transaction() as tx:
            await fraud.set_spending_limit(tx, MANAGER, 1234, "USD")

    async def charge() -> FraudSettings:
        async with shop.db.transaction() as tx:
            settings, _ = await fraud_store.settings_for_charges(tx)
            return settings

    async with shop.db.transaction() as earlier:
        await fraud_store.settings_for_charges(earlier)
        changing = asyncio.create_task(change())
        await _until_a_transaction_waits(shop)
        later = asyncio.create_task(charge())
        await _until_a_transaction_waits(shop, 2)
    await changing
    assert (await later).limits == {"USD": 1234}
