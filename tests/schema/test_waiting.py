"""The start page of support: orders by how long they have waited, and the work due for each."""

from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest

from oms.domain.access.permissions import Viewer
from oms.domain.vocabulary.ids import work_id
from oms.domain.vocabulary.paging import cursor_of
from tests.schema.api import ANA, Api, Known
from tests.schema.test_lists import walk
from tests.shop import CART, COURIER, MANAGER, SUPPORT

WAITING = """query ($first: Int, $after: String, $filter: OrderFilter, $search: String,
                    $sort: OrderSort! = WAITING_LONGEST) {
    orders(first: $first, after: $after, filter: $filter, search: $search, sort: $sort) {
        edges { cursor } nodes { id reference closedAt }
        pageInfo { hasNextPage hasPreviousPage endCursor } } }"""
WORK = """query ($id: ID!) { order(id: $id) { work {
    id queue step attempts dueAt held parkedAt lastError shipment { id } viewerCanRetry viewerCanGiveUp } } }"""


async def mixed(api: Api) -> dict[str, UUID]:
    """Orders 0 to 6 in the order they were placed: 1, 4 and 2 are closed, in this order, 3 is not pending any more."""
    await api.shop.stock_up({"tea": {"north": 50}})
    keys = {str(number): await api.shop.place({"tea": 1}, reference=str(number)) for number in range(7)}
    for name in ("1", "4", "2"):
        await api.shop.cancel(keys[name])
    await api.shop.execute("UPDATE orders SET status = 'PROCESSING' WHERE reference = '3'")
    return keys


async def references(api: Api, viewer: Viewer = SUPPORT, **variables: Any) -> str:
    return " ".join(node["reference"] for node in await walk(api, WAITING, viewer, **variables))


@pytest.mark.parametrize("first", [1, 2, 3, 4, 7, 100])
async def test_open_orders_come_oldest_first_then_closed_ones_latest_first(api: Api, first: int) -> None:
    await mixed(api)
    assert await references(api, first=first) == "0 3 5 6 2 4 1"


@pytest.mark.parametrize("first", [1, 3])
async def test_the_sorting_is_the_same_with_every_filter(api: Api, first: int) -> None:
    keys = await mixed(api)
    await api.shop.place({"tea": 1}, reference="bens", customer="ben")
    [(ana,)] = await api.shop.rows("SELECT id FROM customers WHERE reference = 'ana'")
    filters = {
        "0 3 5 6 2 4 1": {"customerId": f"cus_{ana.hex}"},
        "0 5 6 bens": {"status": ["PENDING"]},
        "2 4 1": {"status": ["CANCELLED", "COMPLETED"]},
        "3 2 4 1": {"status": ["PROCESSING", "CANCELLED"]},
        "": {"status": []},
    }
    for expected, filter_ in filters.items():
        assert await references(api, first=first, filter=filter_) == expected
    placed_at = (await api.shop.order(keys["4"])).placed_at.isoformat()
    assert await references(api, first=first, filter={"placedFrom": placed_at}) == "5 6 bens 4"
    assert await references(api, first=first, filter={"placedTo": placed_at}) == "0 3 2 1"
    assert await references(api, ANA, first=first) == "0 3 5 6 2 4 1"


@pytest.mark.parametrize("sort", ["WAITING_LONGEST", "NEWEST_FIRST"])
async def test_orders_closed_before_an_instant_are_left_out(api: Api, sort: str) -> None:
    keys = await mixed(api)
    closed_at = (await api.shop.order(keys["4"])).closed_at
    assert closed_at
    expected = {"WAITING_LONGEST": ["0 3 5 6 2 4", "0 3 5 6 2"], "NEWEST_FIRST": ["6 5 4 3 2 0", "6 5 3 2 0"]}[sort]
    for since, found in zip((closed_at, closed_at + timedelta(microseconds=1)), expected, strict=True):
        filters = {"openOrClosedSince": since.isoformat()}
        assert await references(api, first=2, filter=filters, sort=sort) == found
        assert await references(api, filter=filters, search="4", sort="NEWEST_FIRST") == ("4" if "4" in found else "")


async def test_an_order_closed_between_two_pages_is_not_lost(api: Api) -> None:
    keys = await mixed(api)
    page = await api.ask(WAITING, first=2)
    await api.shop.cancel(keys["5"])
    rest = await api.ask(WAITING, first=10, after=page["pageInfo"]["endCursor"])
    assert [node["reference"] for node in rest["nodes"]] == ["6", "5", "2", "4", "1"]


async def test_a_search_cannot_be_sorted(api: Api) -> None:
    refusal = await api.refusal(WAITING, search="tea")
    assert refusal.extensions == {"code": "INVALID", "reason": "SEARCH_HAS_NO_SORT", "path": ["sort"]}


@pytest.mark.parametrize("key", ["", "zzz", "2026-11-21 z", "no time", f"2026-11-21 {'0' * 32}", f"1 {'0' * 32}"])
async def test_a_cursor_of_another_list_is_refused(api: Api, key: str) -> None:
    refusal = await api.refusal(WAITING, after=cursor_of(key))
    assert refusal.extensions == {"code": "INVALID", "reason": "BAD_CURSOR", "path": ["after"]}


async def test_a_page_is_one_statement_and_the_work_of_all_its_orders_one_more(api: Api) -> None:
    await mixed(api)
    document = "{ orders(sort: WAITING_LONGEST) { nodes { reference work { step } } } }"
    with api.statements() as sent:
        await api.ask(document)
    assert len([statement for statement in sent if "SELECT" in statement]) == 2


async def test_work_shows_its_next_step_and_its_last_error(api: Api) -> None:
    await api.shop.stock_up({"tea": {"north": 5}, "mug": {"south": 5}})
    known = Known(await api.shop.place({"tea": 1, "mug": 1}))
    [allocation] = (await api.ask(WORK, id=known.id))["work"]
    assert {"queue": "allocation", "step": "ALLOCATE", "attempts": 0, "lastError": None}.items() <= allocation.items()
    assert allocation["shipment"] is None
    await api.shop.run("allocation")
    await api.shop.execute(
        "UPDATE work SET attempt = 12, parked_at = clock_timestamp(), last_error = 'no answer' WHERE part = 2"
    )
    await api.shop.execute("UPDATE work SET held = true WHERE part = 1")
    parked, held = (await api.ask(WORK, id=known.id))["work"]
    assert parked["id"] == work_id(known.key, 2, "billing")
    assert parked["shipment"]["id"] == known.shipment(2)
    assert (parked["attempts"], parked["lastError"]) == (12, "no answer")
    assert parked["parkedAt"]
    assert (held["step"], held["held"], held["parkedAt"]) == ("CHARGE", True, None)


async def test_a_closed_order_has_no_work(api: Api) -> None:
    known = await api.booked()
    await api.shop.cancel(known.key)
    await api.shop.run()
    assert (await api.ask(WORK, id=known.id))["work"] == []


async def test_support_may_retry_parked_work_only(api: Api) -> None:
    await api.shop.stock_up({"tea": {"north": 5}})
    known = Known(await api.shop.place({"tea": 1}))
    can = [("viewerCanRetry", "viewerCanGiveUp")]

    async def allowed(viewer: Viewer) -> list[tuple[bool, bool]]:
        work = (await api.ask(WORK, viewer, id=known.id))["work"]
        return [(each[retry], each[give_up]) for each in work for retry, give_up in can]

    assert await allowed(SUPPORT) == [(False, False)]
    await api.shop.execute("UPDATE work SET parked_at = clock_timestamp()")
    assert await allowed(SUPPORT) == [(True, False)], "there is no shipment yet to give up"
    await api.shop.execute("UPDATE work SET parked_at = NULL")
    await api.shop.run("allocation")
    await api.shop.execute("UPDATE work SET parked_at = clock_timestamp()")
    assert await allowed(SUPPORT) == [(True, True)]
    assert await allowed(MANAGER) == [(False, False)]
    parked = "{ parkedWork { nodes { viewerCanRetry viewerCanGiveUp } } }"
    assert (await api.ask(parked))["nodes"] == [{"viewerCanRetry": True, "viewerCanGiveUp": True}]


@pytest.mark.parametrize("viewer", [ANA, COURIER, CART], ids=lambda viewer: str(viewer.role))
async def test_only_staff_see_work(api: Api, viewer: Viewer) -> None:
    known = await api.booked()
    assert (await api.ask(WORK, viewer, id=known.id))["work"] is None
