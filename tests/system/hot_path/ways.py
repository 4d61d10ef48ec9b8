"""Every way through the product that is gone for each order, or that everybody has open all day, gone once each."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from benchmarks.load.catalogue import NEAR, an_order_of, customer, sku
from benchmarks.load.couriers import BOOKED, DELIVER, DISPATCH
from benchmarks.load.workloads.place import PLACE, PLACE_MANY
from benchmarks.load.workloads.reads import DETAIL, LIST, SEARCH
from oms.domain.vocabulary.actor import Role
from oms.domain.vocabulary.ids import parse_order
from oms.web.pages.rendering.site import document
from tests.system.hot_path.hot_shop import BUYER, RARE, REREAD_EVERY_S, HotShop
from tests.system.hot_path.telling import Told

BATCH: Final = 10
"""Orders that go their way together, so that workers take several at once."""

ACCEPT: Final = "mutation ($id: ID!) { acceptAmendedOrder(orderId: $id) { userErrors { message } } }"
CANCEL: Final = "mutation ($id: ID!) { cancelOrder(orderId: $id) { userErrors { message } } }"
FAIL: Final = 'mutation ($id: ID!) { failShipment(shipmentId: $id, reason: "Lost") { userErrors { message } } }'
WATCH: Final = "subscription ($id: ID!) { orderUpdated(orderId: $id) { status shipments { id status } } }"


@dataclass
class Walk:
    """What is known on the way: `orders` by what they are for, as the API names them, and their `shipments`."""

    hot: HotShop
    told: Told
    number: int
    orders: dict[str, str] = field(default_factory=dict)
    shipments: list[str] = field(default_factory=list)

    async def plant(self, statement: str, **values: Any) -> None:
        """What the product would not do: it is not among what is told."""
        way, self.told.way = self.told.way, ""
        await self.hot.shop.execute(statement, **values)
        self.told.way = way

    def input(self, name: str, *skus: str, quantity: int = 1) -> dict[str, Any]:
        """An order's: of the SKUs so many units each. Its reference is its own on each walk."""
        lines = [{"sku": each, "quantity": quantity} for each in skus]
        return an_order_of(f"walk-{self.number}-{name}", BUYER, skus[0]) | {"lines": lines}

    async def place(self, name: str, *skus: str, quantity: int = 1) -> None:
        given = self.input(name, *skus, quantity=quantity)
        self.orders[name] = (await self.hot.ask(Role.SERVICE, PLACE, input=given))["order"]["id"]


async def place_one(walk: Walk) -> None:
    await walk.place("one", sku(1), sku(900))
    await walk.place("watched", sku(4))


async def place_again_under_a_key(walk: Walk) -> None:
    for _ in range(2):
        given = {"input": walk.input("keyed", sku(2))}
        placed = await walk.hot.ask(Role.SERVICE, PLACE, key=f"key-{walk.number}", **given)
        walk.orders["keyed"] = placed["order"]["id"]


async def place_many(walk: Walk) -> None:
    """Of customers of long ago, and of one who is new."""
    inputs = [walk.input(f"many-{n}", sku(n + 10), sku(n + 860)) for n in range(BATCH)]
    for n, given in enumerate(inputs):
        given["customerReference"] = customer(n + 2) if n else f"new-{walk.number}"
    results = (await walk.hot.ask(Role.SERVICE, PLACE_MANY, inputs=inputs))["results"]
    walk.orders |= {f"many-{n}": result["order"]["id"] for n, result in enumerate(results)}


async def place_what_there_is_too_little_of(walk: Walk) -> None:
    await walk.plant("UPDATE stock SET on_hand = allocated + 1 WHERE sku = :sku", sku=RARE)
    for name in ("accepted", "refused", "silent"):
        await walk.place(name, sku(3), RARE, quantity=2)


def work_off(queue: str) -> Callable[[Walk], Awaitable[None]]:
    async def work(walk: Walk) -> None:
        await walk.hot.work_off(queue)

    return work


async def accept(walk: Walk) -> None:
    await walk.hot.ask(Role.SERVICE, ACCEPT, id=walk.orders["accepted"])


async def cancel(walk: Walk) -> None:
    await walk.hot.ask(Role.SERVICE, CANCEL, id=walk.orders["refused"])
    await walk.hot.ask(Role.SUPPORT, CANCEL, id=walk.orders["keyed"])


async def time_out(walk: Walk) -> None:
    """Whose customer kept silent. An accepted one's deadline is no work any more."""
    silent = parse_order(walk.orders["silent"])
    await walk.plant("UPDATE orders SET action_deadline = clock_timestamp() WHERE id = :id", id=silent)
    await walk.plant("UPDATE work SET due_at = clock_timestamp() WHERE subject_id = :id", id=silent)
    await walk.hot.work_off("deadlines")


async def list_booked(walk: Walk) -> None:
    found = (await walk.hot.ask(Role.COURIER, BOOKED))["nodes"]
    own = {order.removeprefix("ord_") for name, order in walk.orders.items() if name != "watched"}
    walk.shipments = [node["id"] for node in found if any(key in node["id"] for key in own)]


async def dispatch(walk: Walk) -> None:
    for shipment in walk.shipments:
        await walk.hot.ask(Role.COURIER, DISPATCH, id=shipment)


async def deliver(walk: Walk) -> None:
    for shipment in walk.shipments[1:]:
        await walk.hot.ask(Role.COURIER, DELIVER, id=shipment)


async def fail(walk: Walk) -> None:
    await walk.hot.ask(Role.COURIER, FAIL, id=walk.shipments[0])


async def live(walk: Walk) -> None:
    """An order is watched, changes, and is told of; the log is read anew meanwhile."""
    caller = walk.hot.callers[Role.SUPPORT]
    asked = {"query": WATCH, "variables": {"id": walk.orders["watched"]}}
    events = {"Accept": "text/event-stream"}
    async with caller.stream("POST", "/graphql", json=asked, headers=events, timeout=30) as response:
        lines = response.aiter_lines()
        assert "PROCESSING" in await _told(lines)
        await walk.hot.ask(Role.SUPPORT, CANCEL, id=walk.orders["watched"])
        assert "CANCELLED" in await _told(lines)
        await asyncio.sleep(2 * REREAD_EVERY_S)


async def _told(lines: Any) -> str:
    async for line in lines:
        if line.startswith("data: "):
            return str(line)
    raise AssertionError("The stream has ended.")


async def detail(walk: Walk) -> None:
    for name in ("one", "accepted"):
        await walk.hot.ask(Role.SUPPORT, DETAIL, id=walk.orders[name])


async def carried(walk: Walk) -> None:
    await walk.hot.ask(Role.COURIER, document("courier/show"), id=walk.shipments[0])


def show(path: str) -> Callable[[Walk], Awaitable[None]]:
    async def open_page(walk: Walk) -> None:
        response = await walk.hot.browser.get(path.format(**walk.orders))
        assert response.status_code == 200, response.text

    return open_page


def listed(document: str, role: Role, **variables: Any) -> Callable[[Walk], Awaitable[None]]:
    async def look(walk: Walk) -> None:
        page = await walk.hot.ask(role, document, **variables)
        if page["pageInfo"]["hasNextPage"] and "$after" in document:
            await walk.hot.ask(role, document, **variables | {"after": page["pageInfo"]["endCursor"]})

    return look


FILTERED: Final = """query ($filter: OrderFilter, $sort: OrderSort!, $after: String) {
  orders(first: 20, after: $after, filter: $filter, sort: $sort) {
    nodes { id reference status placedAt closedAt customer { id reference } shipments { id status } work { id } }
    pageInfo { hasNextPage endCursor } } }"""
CUSTOMER: Final = """query ($reference: String!) {
  customer(reference: $reference) { id orders(first: 20) { nodes { id status } } } }"""
SHIPMENTS: Final = """query ($filter: ShipmentFilter, $after: String) {
  shipments(first: 20, after: $after, filter: $filter) {
    nodes { id status warehouse { name } order { reference } lines { quantity } }
    pageInfo { hasNextPage endCursor } } }"""


def _orders(sort: str = "NEWEST_FIRST", **wanted: Any) -> Callable[[Walk], Awaitable[None]]:
    return listed(FILTERED, Role.SUPPORT, filter=wanted, sort=sort)


def _shipments(**wanted: Any) -> Callable[[Walk], Awaitable[None]]:
    return listed(SHIPMENTS, Role.COURIER, filter=wanted)


def _days_ago(days: float) -> str:
    return (datetime.now(UTC) - timedelta(days=days)).isoformat()


async def _of_a_customer(walk: Walk) -> None:
    """Of the one who buys on each walk: as a filter, and below the customer."""
    customer_id = (await walk.hot.ask(Role.SUPPORT, CUSTOMER, reference=BUYER))["id"]
    await walk.hot.ask(Role.SUPPORT, FILTERED, filter={"customerId": customer_id}, sort="NEWEST_FIRST")


async def _courier_list(walk: Walk) -> None:
    """The courier's page asks for more than its list: it has several root fields."""
    asked = {"query": document("courier/index"), "variables": {"first": 20, "filter": {"status": ["BOOKED"]}}}
    answer = (await walk.hot.callers[Role.COURIER].post("/graphql", json=asked)).json()
    assert "errors" not in answer, answer


async def search_by_what_it_has(walk: Walk) -> None:
    """By every kind of what an order can be found by."""
    shipment = await walk.hot.ask(Role.SUPPORT, "query ($id: ID!) { shipment(id: $id) { trackingNumber } }",
                                  id=walk.shipments[0])  # fmt: skip
    for words in (f"walk-{walk.number}-one", f"walk-{walk.number}-", BUYER, sku(1), shipment["trackingNumber"]):
        found = await walk.hot.ask(Role.SUPPORT, SEARCH, search=words)
        assert found["nodes"], words


COMMANDS_AND_WORK: Final[Mapping[str, Callable[[Walk], Awaitable[None]]]] = {
    "placeOrder": place_one,
    "placeOrder under an idempotency key, twice": place_again_under_a_key,
    "placeOrders": place_many,
    "placeOrder for too little": place_what_there_is_too_little_of,
    "worker: allocation": work_off("allocation"),
    "acceptAmendedOrder": accept,
    "cancelOrder": cancel,
    "worker: deadlines": time_out,
    "worker: billing": work_off("billing"),
    "worker: booking": work_off("booking"),
    "list of what is booked": list_booked,
    "dispatchShipment": dispatch,
    "deliverShipment": deliver,
    "failShipment": fail,
    "worker: refunds": work_off("billing"),
}

ONE_ORDER: Final[Mapping[str, Callable[[Walk], Awaitable[None]]]] = {
    "order in detail": detail,
    "order page": show("/orders/{one}"),
    "courier's shipment": carried,
    "live": live,
}
LISTS: Final[Mapping[str, Callable[[Walk], Awaitable[None]]]] = {
    "orders": listed(LIST, Role.SUPPORT),
    "orders by status": _orders(status=["PROCESSING", "CUSTOMER_ACTION_REQUIRED"]),
    "orders of a rare status": _orders(status=["CUSTOMER_ACTION_REQUIRED"]),
    "orders of a common status": _orders(status=["COMPLETED"]),
    "orders of a day": _orders(placedFrom=_days_ago(100), placedTo=_days_ago(99)),
    "orders of a day and a status": _orders(status=["COMPLETED"], placedFrom=_days_ago(100), placedTo=_days_ago(99)),
    "orders waiting longest": _orders("WAITING_LONGEST", openOrClosedSince=_days_ago(1)),
    "orders open or closed lately": _orders(openOrClosedSince=_days_ago(1)),
    "orders of a customer": show("/orders"),
    "orders of a customer by id": _of_a_customer,
    "shipments to pick up": _shipments(status=["BOOKED"], warehouseCode=NEAR),
    "shipments on the way or done": _shipments(status=["DISPATCHED", "DELIVERED"]),
    "shipments delivered lately": _shipments(deliveredFrom=_days_ago(2)),
    "courier's list": _courier_list,
    "search": search_by_what_it_has,
}


async def walk(hot: HotShop, told: Told, number: int) -> None:
    """All of them, one after the other; `number` is of this walk alone."""
    going = Walk(hot, told, number)
    for name, way in {**COMMANDS_AND_WORK, **ONE_ORDER, **LISTS}.items():
        told.way = name
        await way(going)
    told.way = ""
