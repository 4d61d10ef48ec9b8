"""A busy queue waits a moment, so that items share a batch. An idle queue and a full batch do not wait."""

import asyncio
from dataclasses import replace
from typing import Any
from unittest import mock

import pytest

from oms.domain.work import store as work_store
from oms.jobs import consumer
from oms.jobs.consumer import Consumer
from tests.shop import ShopUnderTest


@pytest.fixture
def claimed(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """How many items each claim took."""
    sizes: list[int] = []
    claim = work_store.claim

    async def counted(*args: Any, **kwargs: Any) -> work_store.Batch:
        batch = await claim(*args, **kwargs)
        sizes.append(len(batch.items))
        return batch

    monkeypatch.setattr(work_store, "claim", counted)
    return sizes


async def test_items_that_arrive_while_a_queue_is_busy_share_a_batch(shop: ShopUnderTest, claimed: list[int]) -> None:
    await shop.stock_up({"MUG": {"A": 100}})
    worker = Consumer(shop.work, ("allocation",))
    with mock.patch.object(consumer, "GATHER_S", 2.0):
        await shop.place({"MUG": 1})
        await worker.wake("allocation")
        for _ in range(5):
            await shop.place({"MUG": 1})
            worker.wake("allocation")
        await worker.finish()
    assert claimed == [1, 5]


async def test_neither_the_first_item_nor_a_full_batch_waits(shop: ShopUnderTest, claimed: list[int]) -> None:
    await shop.stock_up({"MUG": {"A": 100}})
    for _ in range(5):
        await shop.place({"MUG": 1})
    worker = Consumer(replace(shop.work, batch=2), ("allocation",))
    with mock.patch.object(consumer, "GATHER_S", 3600.0):
        async with asyncio.timeout(60):
            await worker.wake("allocation")
    assert claimed == [2, 2, 1]
