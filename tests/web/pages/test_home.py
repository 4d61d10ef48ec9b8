"""The first page of support and managers: figures of today, and what needs attention with what to do about it."""

import re
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest
from sqlalchemy import text

from oms.domain.diagnosis import attention
from oms.domain.figures import store
from oms.domain.tokens.commands import issue_token
from oms.domain.vocabulary.actor import Role
from oms.web.pages.home.hours import charts
from oms.web.pages.home.tiles import duration, is_new, known, points, tiles
from oms.web.pages.rendering.charts import Axis, axis
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
    assert re.search(r"The first runs out in (19|20) min", page)
    assert 'href="/support?view=awaiting&sort=oldest"' in page


async def test_what_fails_in_the_system_and_tokens_that_expire_are_told(
    support: httpx.AsyncClient, shop: ShopUnderTest, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with shop.db.transaction() as tx:
        await issue_token(tx, role=Role.SERVICE, name="cart", customer_reference=None, days=60)
    await shop.execute(
        "UPDATE access_tokens SET created_at = now() - interval '59 days', expires_at = now() + interval '1 day'"
    )
    page = await read(support, "/home")
    assert "Access tokens expire soon" in page
    assert re.search(r"The first runs out in (23 h \d+ min|1 d 0 h)", page)
    causes = ("ARCHIVE_FAILS", "UNSEALED", "LONG_TRANSACTION")
    assert [cause for cause in causes if f'id="{cause}"' in page] == []
    failing = "SELECT true AS is_on, true AS is_failing, clock_timestamp() - interval '1 hour' AS last_failed_time"
    monkeypatch.setattr(attention, "ARCHIVER", text(failing))
    monkeypatch.setattr(attention, "MAX_UNSEALED_S", 0)
    monkeypatch.setattr(attention, "MAX_TRANSACTION_S", -1)
    page = await read(support, "/home")
    assert [cause for cause in causes if f'id="{cause}"' in page] == list(causes)


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


def shown(*, today: Any, last_week: Any, days: Any = None, hours: Any = None, before: Any = None) -> dict[str, Any]:
    earlier = days or [period(None)] * 6
    return {
        "today": today, "sameToday": today, "lastWeek": last_week, "hours": hours or [], "hoursLastWeek": before or [],
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


def test_a_shop_of_few_days_shows_the_hours_of_today() -> None:
    data = shown(today=period(9), last_week=period(None), hours=[period(2), period(None), period(7)])
    orders = tiles(data)[0]
    assert orders.points == [(0, 100), (100, 0)]
    assert orders.said == "Orders of the hours of today: 2, unknown, 7"
    data |= {"day1": period(1), "day2": period(2)}
    assert "six days before today" in tiles(data)[0].said


def test_a_shop_without_orders_is_new() -> None:
    assert is_new(shown(today=period(0), last_week=period(None)))
    assert not is_new(shown(today=period(1), last_week=period(None)))
    assert not is_new(shown(today=period(0), last_week=period(None), days=[period(0)] * 5 + [period(3)]))


async def test_a_new_shop_is_told_how_it_fills(support: httpx.AsyncClient, shop: ShopUnderTest) -> None:
    page = await read(support, "/home")
    assert "No orders yet." in page
    assert 'class="chart"' not in page
    await shop.place({"pen": 1})
    await store.count_new(shop.db)
    page = await read(support, "/home")
    assert "No orders yet." not in page
    assert 'id="orders-by-hour"' in page


# charts

DAY = datetime(2026, 3, 1, tzinfo=UTC)


def test_money_adds_up_to_where_the_day_is_and_is_compared_with_the_day_a_week_ago() -> None:
    hours = [period(1, taken=300), period(2, taken=0), period(4, taken=600)]
    data = shown(today=period(7, taken=900), last_week=period(1), hours=hours, before=[period(1, taken=100)] * 24)
    money, orders = charts(data, DAY, DAY + timedelta(hours=2, minutes=24))
    assert money.lines == ["0,100 4.17,90 8.33,90 10,70"]
    assert money.end == (10.0, 70.0)
    assert money.before[0].endswith(" 100,20")
    assert money.ys[0] == "€30.00"
    assert money.ys[-1] == "€0.00"
    assert money.said == "Taken today: €9.00 so far; a week ago €24.00 by the end of the day."
    assert money.table.rows[-1] == ("03:00", "€9.00", "€3.00")
    assert money.xs == orders.xs == ["00:00", "06:00", "12:00", "18:00", "24:00"]
    assert [bar.height for bar in orders.bars] == [16.67, 33.33, 66.67], "of an axis to 6"
    assert orders.said == "Orders of today by the hour: at most 4, from 02:00 on."


def test_after_an_hour_that_was_not_counted_the_sum_is_unknown() -> None:
    hours = [period(1, taken=300), period(None), period(4, taken=600)]
    money, orders = charts(shown(today=period(5), last_week=period(None), hours=hours), DAY, DAY + timedelta(hours=3))
    assert money.lines == ["0,100 4.17,0"]
    assert (money.before, money.end) == ([], None)
    assert "unknown so far" in money.said
    [gap] = orders.gaps
    assert (gap.x, gap.width) == (4.17, 4.17)
    assert len(orders.bars) == 2


def test_the_sum_of_the_first_day_begins_where_counting_began() -> None:
    hours = [period(None), period(None), period(1, taken=300), period(2, taken=300)]
    money, _ = charts(shown(today=period(3), last_week=period(None), hours=hours), DAY, DAY + timedelta(hours=4))
    assert money.lines == ["8.33,100 12.5,50 16.67,0"]
    assert [(gap.x, gap.width) for gap in money.gaps] == [(0, 8.33)]
    assert "unknown by the end of the day" in money.said


def test_without_money_there_is_no_chart_of_it() -> None:
    none = period(1) | {"taken": []}
    [orders] = charts(shown(today=none, last_week=none, hours=[none]), DAY, DAY + timedelta(hours=1))
    assert orders.id == "orders-by-hour"


@pytest.mark.parametrize(
    ("highest", "top", "labels"),
    [
        (0, 3, ("3", "2", "1", "0")), (3, 3, ("3", "2", "1", "0")), (4, 6, ("6", "4", "2", "0")),
        (25, 30, ("30", "20", "10", "0")), (31, 60, ("60", "40", "20", "0")),
        (2_900, 3_000, ("3,000", "2,000", "1,000", "0")),
    ],
)  # fmt: skip
def test_an_axis_has_round_numbers_from_zero(highest: float, top: float, labels: tuple[str, ...]) -> None:
    assert axis(highest) == Axis(top, labels)


def test_a_day_that_was_counted_in_part_says_so() -> None:
    begin = datetime(2026, 3, 1, tzinfo=UTC)
    counted = period(1, hours=10)
    assert known(counted, begin, begin + timedelta(hours=10, minutes=1)) == (None, None)
    assert known(counted, begin, begin + timedelta(hours=11)) == (None, counted["knownUntil"])
    assert known(counted, begin - timedelta(hours=1), begin) == (counted["knownFrom"], None)
    assert known(period(None), begin, begin) == (None, None)


@pytest.mark.parametrize(
    ("seconds", "said"), [(9.6, "10 s"), (90, "2 min"), (3_660, "1 h 1 min"), (100_000, "1 d 3 h"), (86_400, "1 d 0 h")]
)
def test_durations_are_said_in_two_units(seconds: float, said: str) -> None:
    assert duration(seconds) == said
