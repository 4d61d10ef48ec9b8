"""Workers write one sample of the queues each minute; a minute without one is unknown."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from oms.domain.figures.samples import Load, sample, samples
from oms.domain.vocabulary.errors import Refused
from tests.shop import MANAGER, ShopUnderTest, customer, open_shop, together

COUNT = "SELECT count(*) FROM operations_samples"


@pytest.fixture
async def shop(database_url: str, tmp_path: Path) -> AsyncIterator[ShopUnderTest]:
    async with open_shop(database_url, tmp_path) as shop:
        yield shop


async def test_workers_that_sample_at_once_write_one_row_a_minute(shop: ShopUnderTest) -> None:
    await shop.stock_up({"pen": {"east": 5}})
    await shop.place({"pen": 1})
    before = datetime.now(UTC).replace(second=0, microsecond=0)
    assert await together(*(sample(shop.db) for _ in range(4))) == [None] * 4
    now = datetime.now(UTC)
    found = await samples(shop.db, MANAGER, before, now)
    minutes = int((now - before) / timedelta(minutes=1)) + 1
    assert 1 <= len(found) <= minutes
    assert found[0].at in (before, before + timedelta(minutes=1))
    assert found[0].queues["allocation"] == Load(workers=0, backlog=1)
    assert found[0].completed == 0


async def test_orders_of_the_minute_before_count_as_completed(shop: ShopUnderTest) -> None:
    await shop.stock_up({"pen": {"east": 5}})
    for _ in range(2):
        order = await shop.place({"pen": 1})
        await shop.run()
        await shop.dispatch(order)
        await shop.deliver(order)
    minute = "date_trunc('minute', clock_timestamp())"
    await shop.execute(f"UPDATE orders SET closed_at = {minute} - interval '1 second' WHERE reference = 'order-1'")
    await shop.execute(f"UPDATE orders SET closed_at = {minute} - interval '61 seconds' WHERE reference = 'order-2'")
    await sample(shop.db)
    assert await shop.rows("SELECT completed FROM operations_samples") == [(1,)]


async def test_old_samples_are_forgotten(shop: ShopUnderTest) -> None:
    for age in ("8 days", "6 days"):
        await shop.execute(f"INSERT INTO operations_samples VALUES (now() - interval '{age}', '{{}}', 0)")
    await sample(shop.db)
    assert await shop.rows(COUNT) == [(2,)]


async def test_customers_do_not_see_them(shop: ShopUnderTest) -> None:
    now = datetime.now(UTC)
    with pytest.raises(Refused):
        await samples(shop.db, customer("ana"), now, now)
