"""Lists of orders for staff: sorted by age and total, filtered by what needs attention, and counted."""

from typing import Any

import pytest

from oms.domain.order_queries import counts
from oms.schema import order_counts
from tests.schema.api import ANA, Api, Known
from tests.schema.test_lists import seven, walk
from tests.shop import CART, MANAGER, SUPPORT

SORTED = """query ($first: Int, $after: String, $filter: OrderFilter, $sort: OrderSort!) {
    orders(first: $first, after: $after, filter: $filter, sort: $sort) {
        edges { cursor } nodes { id reference total { amount currency } }
        pageInfo { hasNextPage hasPreviousPage startCursor endCursor } } }"""
COUNT = "query ($filter: OrderFilter) { orderCount(filter: $filter) { count isMore } }"
COUNTS = """query ($one: OrderFilter, $two: OrderFilter) {
    all: orderCount { count } one: orderCount(filter: $one) { count } two: orderCount(filter: $two) { count } }"""
BAD_ID = "ord_1"


async def references(api: Api, sort: str, *, first: int = 2, **filters: Any) -> list[str]:
    found = await walk(api, SORTED, first=first, filter=filters, sort=sort)
    return [order["reference"] for order in found]


async def counted(api: Api, viewer: Any = SUPPORT, **filters: Any) -> int:
    return int((await api.ask(COUNT, viewer, filter=filters))["count"])


@pytest.mark.parametrize("first", [1, 3, 100])
async def test_the_oldest_first_is_the_newest_first_reversed_with_every_filter(api: Api, first: int) -> None:
    oldest = (await seven(api))[::-1]
    await api.shop.run("allocation")
    placed = {node["reference"]: node["placedAt"] for node in await walk(api, "query ($after: String) { orders(after: "
              "$after) { edges { cursor } nodes { reference placedAt } pageInfo { hasNextPage hasPreviousPage endCursor"
              " } } }")}  # fmt: skip
    days = {"placedFrom": placed["R-2"], "placedTo": placed["R-5"]}
    for filters, expected in (
        ({}, oldest),
        ({"status": ["PROCESSING"]}, oldest),
        ({"status": ["PROCESSING", "FAILED"]} | days, oldest[2:5]),
        (days, oldest[2:5]),
        ({"openOrClosedSince": placed["R-0"]}, oldest),
        ({"status": ["FAILED"]}, []),
    ):
        assert await references(api, "OLDEST_FIRST", first=first, **filters) == expected


@pytest.mark.parametrize("first", [1, 2, 100])
async def test_totals_are_sorted_within_their_currency_and_orders_without_one_come_last(api: Api, first: int) -> None:
    shop = api.shop
    await shop.stock_up({"tea": {"north": 50}}, price=1000)
    await shop.stock_up({"cup": {"north": 50}}, price=900, currency="EUR")
    for reference, units in (("small", 1), ("large", 9), ("middle", 4), ("equal", 4)):
        await shop.place({"tea": units}, reference=reference)
    await shop.place({"cup": 2}, reference="euros")
    gone = await shop.place({"tea": 30}, reference="gone")
    await shop.run()
    await shop.cancel(gone)
    await shop.place({"tea": 8}, reference="no-total-yet")
    found = await references(api, "LARGEST_TOTAL", first=first)
    assert found[:2] == ["euros", "large"]
    assert set(found[2:4]) == {"middle", "equal"}
    assert found[4] == "small"
    assert set(found[5:]) == {"gone", "no-total-yet"}
    assert await references(api, "LARGEST_TOTAL", first=first, status=["CANCELLED"]) == ["gone"]


async def test_the_sum_that_sorts_is_the_total_that_is_shown(api: Api) -> None:
    await api.shop.stock_up({"tea": {"north": 50}, "mug": {"south": 50}})
    for units in range(1, 6):
        await api.shop.place({"tea": units, "mug": 6 - units})
    await api.shop.run()
    failed = Known(await api.shop.place({"tea": 20, "mug": 1})).key
    await api.shop.run()
    await api.shop.dispatch(failed, 1)
    await api.shop.fail(failed, 1)
    amounts = [node["total"]["amount"] for node in await walk(api, SORTED, sort="LARGEST_TOTAL", first=2)]
    assert amounts == sorted(amounts, reverse=True)
    assert len(amounts) == 6


async def test_orders_with_stuck_work_need_attention(api: Api) -> None:
    await seven(api)
    await api.shop.run("allocation")
    await api.shop.execute(
        "UPDATE work SET parked_at = clock_timestamp() WHERE subject_id IN"
        " (SELECT id FROM orders WHERE reference IN ('R-2', 'R-5'))"
    )
    assert await references(api, "NEWEST_FIRST", first=1, needsAttention=True) == ["R-5", "R-2"]
    assert await references(api, "OLDEST_FIRST", needsAttention=True, status=["PROCESSING"]) == ["R-2", "R-5"]
    assert await references(api, "WAITING_LONGEST", needsAttention=True) == ["R-2", "R-5"]
    assert await references(api, "NEWEST_FIRST", needsAttention=True, status=["FAILED"]) == []
    assert len(await references(api, "NEWEST_FIRST", needsAttention=False)) == 7
    assert await counted(api, needsAttention=True) == await counted(api, MANAGER, needsAttention=True) == 2


@pytest.mark.parametrize("viewer", [ANA, CART], ids=lambda viewer: viewer.role)
async def test_only_staff_learn_what_needs_attention(api: Api, viewer: Any) -> None:
    for document in (SORTED.replace("$sort: OrderSort!", "$sort: OrderSort! = NEWEST_FIRST"), COUNT):
        refusal = await api.refusal(document, viewer, filter={"needsAttention": True})
        assert (refusal.extensions or {})["code"] == "FORBIDDEN"


async def test_chosen_orders_are_found_by_their_ids(api: Api) -> None:
    newest = await seven(api)
    nodes = await walk(api, SORTED, sort="NEWEST_FIRST")
    chosen = [node["id"] for node in nodes if node["reference"] in ("R-1", "R-4")]
    assert await references(api, "NEWEST_FIRST", ids=[*chosen, BAD_ID]) == ["R-4", "R-1"]
    assert await references(api, "NEWEST_FIRST", ids=[]) == await references(api, "NEWEST_FIRST", ids=[BAD_ID]) == []
    assert await counted(api, ANA, ids=[node["id"] for node in nodes]) == len([r for r in newest if int(r[2:]) % 3])
    refusal = await api.refusal(COUNT, SUPPORT, filter={"ids": [f"ord_{n:032x}" for n in range(101)]})
    assert refusal.extensions == {"code": "INVALID", "reason": "TOO_MANY", "path": ["filter", "ids"]}


async def test_counts_agree_with_the_lists(api: Api) -> None:
    await seven(api)
    await api.shop.run("allocation")
    for reference in ("R-1", "R-3"):
        await api.shop.cancel((await api.shop.rows(f"SELECT id FROM orders WHERE reference = '{reference}'"))[0][0])
    await api.shop.place({"tea": 1}, reference="young")
    assert await counted(api) == 8
    assert await counted(api, status=["CANCELLED"]) == 2
    assert await counted(api, status=["CANCELLED", "PENDING"]) == 3
    assert await counted(api, status=[]) == 0
    assert await counted(api, openOrClosedSince="2020-01-01T00:00:00Z") == 8
    assert await counted(api, openOrClosedSince="2999-01-01T00:00:00Z") == 6
    assert await counted(api, placedFrom="2999-01-01T00:00:00Z") == 0
    assert await counted(api, placedTo="2999-01-01T00:00:00Z", status=["PROCESSING"]) == 5
    assert await counted(api, customerId="cus_1") == 0
    assert await counted(api, ANA) == 5
    assert await counted(api, ANA, status=["CANCELLED"]) == 1


async def test_several_counts_are_read_by_one_statement(api: Api) -> None:
    await seven(api)
    with api.statements() as executed:
        data = await api.ask(COUNTS, one={"status": ["PENDING"]}, two={"status": ["FAILED"]})
    assert [data[name]["count"] for name in ("all", "one", "two")] == [7, 7, 0]
    assert len([sql for sql in executed if "count(*)" in sql]) == 1


async def test_counting_stops_where_nobody_reads_on(api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    await seven(api)
    for module in (counts, order_counts):
        monkeypatch.setattr(module, "MAX_COUNTED", 3)
    assert await api.ask(COUNT) == {"count": 3, "isMore": True}
    assert await api.ask(COUNT, filter={"status": ["PENDING"]}) == {"count": 3, "isMore": True}
    assert await api.ask(COUNT, filter={"customerId": "cus_1"}) == {"count": 0, "isMore": False}
