"""Lists: newest first, in pages that neither skip nor repeat, filtered and searched."""

import asyncio
from typing import Any

import pytest

from oms.domain.access.permissions import Viewer
from oms.domain.order_queries import shipment_counts
from tests.schema.api import ANA, Api, Known
from tests.shop import CART, COURIER, MANAGER, SUPPORT, customer

ORDERS = """query ($first: Int, $after: String, $filter: OrderFilter, $search: String) {
    orders(first: $first, after: $after, filter: $filter, search: $search) {
        edges { cursor node { reference } } nodes { id reference placedAt status }
        pageInfo { hasNextPage hasPreviousPage startCursor endCursor } } }"""
SHIPMENTS = """query ($first: Int, $after: String, $filter: ShipmentFilter) {
    shipments(first: $first, after: $after, filter: $filter) {
        edges { cursor } nodes { id status warehouse { code } }
        pageInfo { hasNextPage hasPreviousPage endCursor } } }"""


async def seven(api: Api) -> list[str]:
    """References of seven orders, newest first: three of ben's, the others ana's."""
    await api.shop.stock_up({"tea": {"north": 50}, "mug": {"south": 50}})
    for number in range(7):
        await api.shop.place(
            {"tea": 1, "mug": 1}, reference=f"R-{number}", customer="ben" if number % 3 == 0 else "ana"
        )
    return [f"R-{number}" for number in reversed(range(7))]


async def walk(api: Api, document: str, root: Viewer = SUPPORT, **variables: Any) -> list[dict[str, Any]]:
    """Every entry of a list, by its pages."""
    nodes: list[dict[str, Any]] = []
    after: str | None = None
    while True:
        page = await api.ask(document, root, after=after, **variables)
        nodes += page["nodes"]
        assert page["pageInfo"]["hasPreviousPage"] is (after is not None)
        assert page["pageInfo"]["endCursor"] == (page["edges"][-1]["cursor"] if page["edges"] else None)
        after = page["pageInfo"]["endCursor"]
        if not page["pageInfo"]["hasNextPage"]:
            return nodes


@pytest.mark.parametrize("first", [1, 2, 3, 6, 7, 8, 100])
async def test_pages_of_any_size_give_every_order_once_newest_first(api: Api, first: int) -> None:
    newest_first = await seven(api)
    found = await walk(api, ORDERS, first=first)
    assert [order["reference"] for order in found] == newest_first
    assert [order["placedAt"] for order in found] == sorted((o["placedAt"] for o in found), reverse=True)


async def test_a_page_has_twenty_entries_by_default_and_null_means_the_default(api: Api) -> None:
    await api.shop.stock_up({"tea": {"north": 50}})
    for _ in range(21):
        await api.shop.place({"tea": 1})
    assert len((await api.ask("{ orders { nodes { id } } }"))["nodes"]) == 20
    assert len((await api.ask("{ orders(first: null) { nodes { id } } }"))["nodes"]) == 20


async def test_an_empty_page_has_no_cursors(api: Api) -> None:
    page = await api.ask(ORDERS)
    assert page["pageInfo"] == {
        "hasNextPage": False,
        "hasPreviousPage": False,
        "startCursor": None,
        "endCursor": None,
    }


async def test_new_orders_do_not_shift_the_pages(api: Api) -> None:
    newest_first = await seven(api)
    page = await api.ask(ORDERS, first=3)
    await api.shop.place({"tea": 1}, reference="late")
    rest = await api.ask(ORDERS, first=100, after=page["pageInfo"]["endCursor"])
    assert [order["reference"] for order in page["nodes"] + rest["nodes"]] == newest_first


async def test_orders_are_filtered_by_status(api: Api) -> None:
    newest_first = await seven(api)
    await api.shop.run()
    await api.shop.place({"tea": 1}, reference="young")

    async def found(*statuses: str) -> list[str]:
        nodes = await walk(api, ORDERS, first=2, filter={"status": list(statuses)})
        return [order["reference"] for order in nodes]

    assert await found("PENDING") == ["young"]
    assert await found("PROCESSING") == newest_first
    assert await found("PENDING", "PROCESSING") == ["young", *newest_first]
    assert await found("FAILED") == []
    assert await found() == []


async def test_orders_are_filtered_by_customer(api: Api) -> None:
    newest_first = await seven(api)
    of_ben = [reference for reference in newest_first if int(reference[2:]) % 3 == 0]
    ben = await api.ask('{ customer(reference: "ben") { id orders(first: 100) { nodes { reference } } } }')
    assert [order["reference"] for order in ben["orders"]["nodes"]] == of_ben
    for filter_ in ({"customerId": ben["id"]}, {"customerId": ben["id"], "status": ["PENDING"]}):
        nodes = await walk(api, ORDERS, first=2, filter=filter_)
        assert [order["reference"] for order in nodes] == of_ben
    assert await walk(api, ORDERS, ANA, filter={"customerId": ben["id"]}) == []


async def test_orders_are_filtered_by_when_they_were_placed_from_inclusive_to_exclusive(api: Api) -> None:
    newest_first = await seven(api)
    placed = {order["reference"]: order["placedAt"] for order in await walk(api, ORDERS)}
    between = {"placedFrom": placed["R-2"], "placedTo": placed["R-5"]}
    nodes = await walk(api, ORDERS, filter=between)
    assert [order["reference"] for order in nodes] == ["R-4", "R-3", "R-2"]
    assert await walk(api, ORDERS, filter=between | {"status": ["FAILED"]}) == []
    assert len(await walk(api, ORDERS, filter={"placedFrom": placed["R-0"]})) == len(newest_first)
    assert await walk(api, ORDERS, filter={"placedTo": placed["R-0"]}) == []


async def test_a_search_finds_what_the_contract_says_page_by_page(api: Api) -> None:
    newest_first = await seven(api)
    await api.shop.place({"mug": 1}, reference="100%_sure", customer="eve")
    await api.shop.run()
    tracking = await api.ask('{ order(reference: "R-4") { shipments { trackingNumber } } }')

    async def found(search: str, viewer: Viewer = SUPPORT) -> list[str]:
        return [order["reference"] for order in await walk(api, ORDERS, viewer, first=3, search=search)]

    assert await found("R-4") == ["R-4"]
    assert await found("R-") == newest_first
    assert await found("  R-4 ") == ["R-4"]
    assert await found("r-4") == ["R-4"]
    assert await found("-4") == []
    assert await found("ben") == ["R-6", "R-3", "R-0"]
    assert await found("be") == ["R-6", "R-3", "R-0"]
    assert await found(tracking["shipments"][0]["trackingNumber"]) == ["R-4"]
    assert await found("tea") == newest_first
    assert await found("mug") == ["100%_sure", *newest_first]
    assert await found("100%") == ["100%_sure"]
    assert await found("%") == []
    assert await found("R_4") == ["R-4"]
    assert await found("") == ["100%_sure", *newest_first]
    assert await found("R-", customer("ben")) == ["R-6", "R-3", "R-0"]
    assert await found("ana", customer("ben")) == []


async def test_a_search_is_filtered_like_any_list(api: Api) -> None:
    await seven(api)
    await api.shop.run()
    await api.shop.cancel(Known(await api.shop.place({"tea": 1}, reference="R-x")).key)
    nodes = await walk(api, ORDERS, search="R-", filter={"status": ["CANCELLED"]})
    assert [order["reference"] for order in nodes] == ["R-x"]


async def test_an_order_with_one_sku_on_two_lines_is_found_once(api: Api) -> None:
    await api.shop.stock_up({"tea": {"north": 50}})
    await api.shop.place([("tea", 1), ("tea", 2)], reference="twice")
    assert len(await walk(api, ORDERS, search="tea")) == 1


@pytest.mark.parametrize("viewer", [SUPPORT, MANAGER, CART, COURIER, ANA], ids=lambda viewer: viewer.role)
@pytest.mark.parametrize("first", [1, 3, 100])
async def test_shipments_are_listed_newest_first_page_by_page(api: Api, viewer: Viewer, first: int) -> None:
    await api.shop.stock_up({"tea": {"north": 50}, "mug": {"south": 50}})
    keys = [Known(await api.shop.place({"tea": 1, "mug": 1})) for _ in range(3)]
    await api.shop.run()
    newest_first = [key.shipment(number) for key in reversed(keys) for number in (2, 1)]
    assert [s["id"] for s in await walk(api, SHIPMENTS, viewer, first=first)] == newest_first
    await api.shop.dispatch(keys[1].key, 1)
    for statuses, expected in (
        (["DISPATCHED"], [keys[1].shipment(1)]),
        (["DISPATCHED", "BOOKED"], newest_first),
        (["PENDING", "FAILED"], []),
        ([], []),
    ):
        found = await walk(api, SHIPMENTS, viewer, first=first, filter={"status": statuses})
        assert [s["id"] for s in found] == expected
    in_south = await walk(api, SHIPMENTS, viewer, first=first, filter={"warehouseCode": "south"})
    assert [s["id"] for s in in_south] == [key.shipment(2) for key in reversed(keys)]
    assert await walk(api, SHIPMENTS, viewer, filter={"warehouseCode": "nowhere"}) == []


async def test_products_and_warehouses_are_listed_in_order(api: Api) -> None:
    await api.shop.stock_up({"b": {"w2": 1}, "a": {"w1": 1}, "c": {"w2": 1}})
    page = "edges { cursor } pageInfo { hasNextPage hasPreviousPage endCursor }"
    products = f"""query ($after: String) {{ products(first: 2, after: $after) {{
        nodes {{ sku name unitPrice {{ amount currency }} taxBps }} {page} }} }}"""
    assert [product["sku"] for product in await walk(api, products, ANA)] == ["a", "b", "c"]
    warehouses = f"query ($after: String) {{ warehouses(first: 1, after: $after) {{ nodes {{ code name }} {page} }} }}"
    codes = await walk(api, warehouses, ANA)
    assert [warehouse["code"] for warehouse in codes] == ["w1", "w2"]


async def test_several_lists_are_read_concurrently(api: Api) -> None:
    """Concurrent resolvers share no connection."""
    await seven(api)
    api.compares = False  # what is read a moment later is something else
    fields = "nodes { id shipments { id } lines { id } }"
    fields = "nodes { id shipments { id } lines { id } }"
    many = " ".join(f"l{first}: orders(first: {first}) {{ {fields} }}" for first in range(1, 9))
    await asyncio.gather(api.ask(f"{{ {many} }}"), api.shop.run())


COUNTS = "query ($code: String) { shipmentCounts(warehouseCode: $code) { status count } }"


async def _counted(api: Api, viewer: Viewer, code: str | None = None) -> list[int]:
    """Booked, dispatched and recently delivered."""
    return [counted["count"] for counted in await api.ask(COUNTS, viewer, code=code)]


async def test_shipments_are_counted_by_status_everywhere_or_in_one_warehouse(api: Api) -> None:
    assert await _counted(api, COURIER) == [0, 0, 0]
    await api.shop.stock_up({"tea": {"north": 50}, "mug": {"south": 50}})
    keys = [Known(await api.shop.place({"tea": 1, "mug": 1})) for _ in range(4)]
    await api.shop.run()
    await api.shop.place({"tea": 1})  # still pending, and none of a courier's
    for known in keys[:3]:
        await api.shop.dispatch(known.key, 1)
    for known in keys[:2]:
        await api.shop.deliver(known.key, 1)
    await api.shop.execute(
        "UPDATE shipments SET delivered_at = now() - interval '25 hours' WHERE order_id = :id AND number = 1",
        id=keys[0].key,
    )
    await api.shop.fail(keys[3].key, 2)
    for viewer in (COURIER, SUPPORT):
        assert await _counted(api, viewer) == [4, 1, 1]
        assert await _counted(api, viewer, "north") == [1, 1, 1]
        assert await _counted(api, viewer, "south") == [3, 0, 0]


async def test_a_count_has_a_maximum(api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shipment_counts, "MAX_COUNTED", 2)
    await api.shop.stock_up({"tea": {"north": 50}})
    for _ in range(3):
        await api.shop.place({"tea": 1})
    await api.shop.run()
    assert await _counted(api, SUPPORT) == [2, 0, 0]


@pytest.mark.parametrize("viewer", [SUPPORT, COURIER, ANA], ids=lambda viewer: viewer.role)
async def test_shipments_are_filtered_by_when_they_were_delivered(api: Api, viewer: Viewer) -> None:
    await api.shop.stock_up({"tea": {"north": 50}})
    keys = [Known(await api.shop.place({"tea": 1})) for _ in range(3)]
    await api.shop.run()
    for known in keys[:2]:
        await api.shop.dispatch(known.key)
        await api.shop.deliver(known.key)
    at = (await api.ask("query ($id: ID!) { shipment(id: $id) { deliveredAt } }", id=keys[1].shipment()))["deliveredAt"]
    found = await walk(api, SHIPMENTS, viewer, filter={"deliveredFrom": at})
    assert [s["id"] for s in found] == [keys[1].shipment()]
    found = await walk(
        api, SHIPMENTS, viewer, filter={"deliveredFrom": "2020-01-01T00:00:00Z", "status": ["DELIVERED"]}
    )
    assert [s["id"] for s in found] == [keys[1].shipment(), keys[0].shipment()]
