"""Figures of periods: counted from the events of orders, each once, and unknown where nobody counted."""

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from oms.domain.figures import queries, store
from oms.domain.figures.model import BUCKET, UNKNOWN, Figures, Period, figures, known_part, median, slot_of
from tests.shop import SUPPORT, ShopUnderTest, open_shop

DAY = timedelta(days=1)
AT = datetime(2026, 3, 1, 14, 20, 30, tzinfo=UTC)


@pytest.fixture
async def shop(database_url: str, tmp_path: Path) -> AsyncIterator[ShopUnderTest]:
    async with open_shop(database_url, tmp_path) as shop:
        yield shop


async def today(shop: ShopUnderTest) -> Figures:
    period = around(datetime.now(UTC))
    return (await queries.of_periods(shop.db, SUPPORT, [period]))[period]


def around(at: datetime) -> Period:
    return Period(slot_of(at - DAY), slot_of(at + DAY))


async def lived(shop: ShopUnderTest) -> None:
    """Three orders: one delivered, one cancelled after its charge, one only placed."""
    await shop.stock_up({"pen": {"east": 9}}, price=1000)
    await shop.stock_up({"ink": {"east": 9}}, price=500, currency="EUR")
    delivered, cancelled = await shop.place({"pen": 1}), await shop.place({"ink": 2})
    await shop.run()
    await shop.dispatch(delivered)
    await shop.deliver(delivered)
    await shop.cancel(cancelled)
    await shop.run()
    await shop.place({"pen": 1})


async def test_what_happened_is_counted_by_kind_and_currency(shop: ShopUnderTest) -> None:
    await lived(shop)
    await store.count_new(shop.db)
    found = await today(shop)
    [(charged,)] = await shop.rows("SELECT sum(charged_minor) FROM shipments JOIN orders ON id = order_id"
                                   " WHERE currency = 'USD'")  # fmt: skip
    assert (found.placed, found.delivered) == (3, 1)
    assert found.taken_minor == {"USD": charged, "EUR": 0}, "what was refunded is not taken"
    assert found.door_s is not None
    assert 0 < found.door_s < 120


async def test_each_event_is_counted_once_whoever_counts_and_however_often(
    shop: ShopUnderTest, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(store, "BATCH", 2)
    await lived(shop)
    await asyncio.gather(*(store.count_new(shop.db) for _ in range(4)))
    await store.count_new(shop.db)
    before = await today(shop)
    assert (before.placed, before.delivered) == (3, 1)
    await shop.place({"pen": 1})
    await store.count_new(shop.db)
    assert (await today(shop)).placed == 4


async def test_an_event_of_an_open_transaction_is_counted_after_its_commit(shop: ShopUnderTest) -> None:
    await shop.stock_up({"pen": {"east": 9}})
    await shop.place({"pen": 1})
    async with shop.db.transaction() as tx:
        await tx.conn.exec_driver_sql("SELECT pg_current_xact_id()")
        await shop.place({"pen": 1})  # a later transaction, committed earlier
        await store.count_new(shop.db)
        assert (await today(shop)).placed == 1
    await store.count_new(shop.db)
    assert (await today(shop)).placed == 2


async def test_unwatched_time_is_unknown_and_not_zero(shop: ShopUnderTest) -> None:
    assert await today(shop) == UNKNOWN
    await shop.stock_up({"pen": {"east": 9}})
    await shop.place({"pen": 1})
    await store.count_new(shop.db)
    now = datetime.now(UTC)
    early, late = Period(now - 9 * DAY, now - 8 * DAY), Period(now + DAY, now + 2 * DAY)
    found = await queries.of_periods(shop.db, SUPPORT, [early, around(now), late])
    assert found[early] == found[late] == UNKNOWN
    known = found[around(now)].known
    assert known is not None
    assert now - timedelta(minutes=5) < known.begin < known.end < now + timedelta(minutes=5)


def test_the_known_part_of_a_period_is_where_it_was_counted() -> None:
    counted = Period(AT, AT + DAY)
    assert known_part(Period(AT - DAY, AT + timedelta(hours=1)), counted) == Period(AT, AT + timedelta(hours=1))
    assert known_part(Period(AT, AT + 2 * DAY), counted) == counted
    assert known_part(Period(AT - DAY, AT), counted) is None
    assert known_part(Period(AT, AT + DAY), None) is None


def test_slots_begin_at_full_quarters() -> None:
    assert slot_of(AT) == datetime(2026, 3, 1, 14, 15, tzinfo=UTC)
    assert slot_of(slot_of(AT)) == slot_of(AT)


@pytest.mark.parametrize(("seconds", "expected"), [([60, 60, 600], 60), ([1, 100, 100, 9999], 100), ([86_400], 86_400)])
def test_the_median_is_right_to_five_percent(seconds: list[int], expected: int) -> None:
    counts: dict[int, int] = {}
    for each in seconds:
        bucket = next(number for number in range(300) if BUCKET ** (number + 1) > each)
        counts[bucket] = counts.get(bucket, 0) + 1
    assert median(counts) == pytest.approx(expected, rel=0.05)
    assert median({}) is None


def test_a_period_without_sums_has_zeros_where_it_was_counted() -> None:
    assert figures(Period(AT, AT + DAY), []) == Figures(Period(AT, AT + DAY))
