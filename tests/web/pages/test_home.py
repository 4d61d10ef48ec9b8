"""The first page of support and managers: figures of today, and what needs attention with what to do about it."""

import re
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest

from oms.domain.figures import store
from oms.web.pages.home.tiles import duration, known, points, tiles
from tests.shop import ShopUnderTest
from tests.web.conftest import Server
from tests.web.pages.conftest import persona
from tests.web.pages.test_support import parked, read


@pytest.fixture
async def support(pages: Server, shop: ShopUnderTest) -> AsyncIterator[httpx.AsyncClient]:
    async with persona(pages, "support") as browser:
        yield browser


def figures_of(page: str) -> dict[str, str]:
    return dict(re.findall(r'<h2>([^<]+)</h2>\s*<strong class="figure">([^<]+)<', page))


async def test_figures_are_unknown_until_a_worker_has_counted(support: httpx.AsyncClient, shop: ShopUnderTest) -> None:
    await shop.place({"pen": 1})
    assert set(figures_of(await read(support, "/home")).values()) == {"Unknown"}
    await store.count_new(shop.db)
    found = figures_of(await read(support, "/home"))
    assert found["Orders"] == "1"
    assert found["Delivered"] == "0"
    assert found["Median time to the door"] == "Unknown"


async def test_money_is_shown_by_currency(support: httpx.AsyncClient, shop: ShopUnderTest) -> None:
    await shop.stock_up({"thé": {"east": 5}}, price=900, currency="EUR")
    await shop.place({"pen": 1})
    await shop.place({"thé": 1})
    await shop.run()
    await store.count_new(shop.db)
    page = await read(support, "/home")
    amounts = re.findall(r'<h2>Taken</h2>\s*<strong class="figure">([^<\d]+)', page)
    assert amounts == ["€", "$"]


async def test_stuck_jobs_and_maintenance_need_attention_each_with_its_act(
    pages: Server, support: httpx.AsyncClient, shop: ShopUnderTest
) -> None:
    assert "Nothing needs attention" in await read(support, "/home")
    await parked(shop)
    await shop.execute("UPDATE fraud_settings SET maintenance = true, updated_at = now() - interval '1 hour'")
    page = await read(support, "/home")
    assert "Its work kept failing and is parked" in page
    assert 'href="/support/chosen?do=retry&stuck=all">Retry it …' in page
    assert "Charges wait for the end of maintenance" in page
    assert "End maintenance" not in page, "support cannot end it"
    assert "stuck-order" in await read(support, "/support/chosen?do=retry&stuck=all")
    async with persona(pages, "manager") as manager:
        page = await read(manager, "/home")
    assert 'href="/manager/maintenance?to=off">End maintenance …' in page
    assert "Retry it" not in page, "managers cannot retry it"
    assert "Show the oldest" in page


async def test_answers_that_soon_run_out_are_told(support: httpx.AsyncClient, shop: ShopUnderTest) -> None:
    await shop.place({"pen": 99}, reference="asked")
    await shop.run()
    await shop.execute("UPDATE work SET due_at = clock_timestamp() + interval '20 minutes' WHERE queue = 'deadlines'")
    page = await read(support, "/home")
    assert "The customer's time to answer ends within an hour" in page
    assert "The first runs out" in page
    assert 'href="/support?view=awaiting&sort=oldest"' in page


# tiles


def period(placed: int | None, *, hours: float = 10, taken: int = 0) -> dict[str, Any]:
    """The figures of a period that was counted for so many hours; None: unknown."""
    begin = datetime(2026, 3, 1, tzinfo=UTC)
    if placed is None:
        return dict.fromkeys(("knownFrom", "knownUntil", "placed", "delivered", "taken", "medianSecondsToDoor"))
    return {
        "knownFrom": begin.isoformat(), "knownUntil": (begin + timedelta(hours=hours)).isoformat(), "placed": placed,
        "delivered": placed, "taken": [{"amount": taken, "currency": "EUR"}], "medianSecondsToDoor": float(placed),
    }  # fmt: skip


def shown(*, today: Any, last_week: Any, days: Any = None) -> dict[str, Any]:
    earlier = days or [period(None)] * 6
    return {
        "today": today, "sameToday": today, "lastWeek": last_week,
        **{f"day{6 - place}": each for place, each in enumerate(earlier)},
    }  # fmt: skip


def test_a_figure_is_compared_with_the_same_time_a_week_ago() -> None:
    orders, taken, delivered, door = tiles(shown(today=period(120, taken=900), last_week=period(100, taken=1000)))
    assert (orders.figure, orders.change) == ("120", ("▲ 20%", "good"))
    assert (taken.figure, taken.change) == ("€9.00", ("▼ 10%", "bad"))
    assert delivered.change == ("▲ 20%", "good")
    assert (door.figure, door.change) == ("2 min", ("▲ 20%", "bad"))


def test_nothing_is_compared_with_time_that_was_not_counted_whole() -> None:
    for last_week in (period(None), period(100, hours=3)):
        assert {tile.change for tile in tiles(shown(today=period(5), last_week=last_week))} == {None}
    assert tiles(shown(today=period(5), last_week=period(0)))[0].change is None, "of nothing there is no share"
    assert tiles(shown(today=period(5), last_week=period(5)))[0].change == ("the same", "")


def test_days_that_were_not_counted_are_no_points_of_the_line() -> None:
    days = [period(None), period(4), period(2), period(None), period(3), period(3)]
    orders = tiles(shown(today=period(1), last_week=period(None), days=days))[0]
    assert [x for x, _ in orders.points] == [20, 40, 80, 100]
    assert "unknown, 4, 2, unknown, 3, 3" in orders.said
    assert points([None, 5, None]) == []
    assert points([5, 5]) == [(0, 50), (100, 50)]


def test_a_day_that_was_counted_in_part_says_so() -> None:
    begin = datetime(2026, 3, 1, tzinfo=UTC)
    counted = period(1, hours=10)
    assert known(counted, begin, begin + timedelta(hours=10, minutes=1)) == (None, None)
    assert known(counted, begin, begin + timedelta(hours=11)) == (None, counted["knownUntil"])
    assert known(counted, begin - timedelta(hours=1), begin) == (counted["knownFrom"], None)
    assert known(period(None), begin, begin) == (None, None)


@pytest.mark.parametrize(
    ("seconds", "text"), [(9.6, "10 s"), (90, "2 min"), (3_660, "1 h 1 min"), (100_000, "1 d 3 h"), (86_400, "1 d 0 h")]
)
def test_durations_are_said_in_two_units(seconds: float, text: str) -> None:
    assert duration(seconds) == text
