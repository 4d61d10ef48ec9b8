"""Suspect items run alone, each under its own lease, however many and however slow they are."""

import asyncio
from collections import Counter
from dataclasses import replace
from datetime import timedelta

import asyncpg
import pytest
from sqlalchemy.exc import DBAPIError

from oms.domain.order.model import OrderStatus
from oms.domain.work import store as work_store
from oms.jobs import allocation, consumer
from oms.jobs.consumer import Consumer
from oms.jobs.context import JobContext
from oms.providers.ports import InvoiceAnswer, InvoiceRequest
from oms.providers.sandbox.sandbox import Sandbox
from tests.shop import ShopUnderTest

LEASE = timedelta(seconds=1.5)


class Slow:
    """A slow billing system that counts the requests for each invoice."""

    def __init__(self, sandbox: Sandbox, *, answer_s: float) -> None:
        self.requests: Counter[str] = Counter()
        self.charge, self.refund = sandbox.charge, sandbox.refund
        self._sandbox = sandbox
        self._answer_s = answer_s

    async def invoice(self, request: InvoiceRequest, /) -> InvoiceAnswer:
        self.requests[request.key] += 1
        await asyncio.sleep(self._answer_s)
        return await self._sandbox.invoice(request)


async def test_many_suspects_are_not_taken_over_from_a_worker_that_is_processing_them(shop: ShopUnderTest) -> None:
    """Together they take four times a lease: two workers that hold many each would take them from each other."""
    await shop.stock_up({"MUG": {"A": 100}})
    for _ in range(20):
        await shop.place({"MUG": 1})
    await shop.run("allocation")
    await shop.execute("UPDATE work SET suspect = true")
    slow = Slow(shop.sandbox, answer_s=0.3)
    work = replace(shop.work, billing=slow, lease=LEASE)
    workers = [Consumer(work, ("billing",)) for _ in range(2)]
    for worker in workers:
        worker.wake("billing")
    for worker in workers:
        await worker.finish()
    assert set(slow.requests.values()) == {1}
    assert await shop.rows("SELECT count(*) FROM work WHERE queue = 'billing'") == [(0,)]


async def test_a_claim_takes_one_suspect_beside_all_other_items(shop: ShopUnderTest) -> None:
    await shop.stock_up({"MUG": {"A": 100}})
    orders = [await shop.place({"MUG": 1}) for _ in range(6)]
    await shop.execute("UPDATE work SET suspect = true WHERE subject_id = ANY(CAST(:ids AS uuid[]))", ids=orders[:4])
    async with shop.db.transaction() as tx:
        claimed = await work_store.claim(tx, "allocation", limit=10, lease=LEASE)
    assert sorted(item.suspect for item in claimed.items) == [False, False, True]


async def test_an_outage_of_the_database_makes_no_suspects_and_counts_no_attempts(
    shop: ShopUnderTest, monkeypatch: pytest.MonkeyPatch
) -> None:
    await shop.stock_up({"MUG": {"A": 100}})
    orders = [await shop.place({"MUG": 1}) for _ in range(3)]

    async def unavailable(context: JobContext, batch: work_store.Batch) -> None:
        raise ExceptionGroup("both", [ConnectionResetError(), _lost_connection()])

    monkeypatch.setattr(consumer, "HANDLERS", {"allocation": unavailable})
    await shop.run("allocation")
    assert set(await shop.rows("SELECT suspect, attempt, claim FROM work")) == {(False, 0, None)}
    monkeypatch.setattr(consumer, "HANDLERS", {"allocation": allocation.handle})
    await shop.execute("UPDATE work SET due_at = clock_timestamp()")
    await shop.run("allocation")
    assert {(await shop.order(order)).status for order in orders} == {OrderStatus.PROCESSING}


def _lost_connection() -> DBAPIError:
    return DBAPIError("COMMIT", None, asyncpg.ConnectionDoesNotExistError("gone"), connection_invalidated=True)
