"""The operations that are executed for each order, or that many users repeat all day, each executed once."""

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
from tests.system.hot_path.auto_explain import Recording
from tests.system.hot_path.hot_shop import BUYER, RARE, REREAD_EVERY_S, HotShop

BATCH: Final = 10
"""Orders that are placed together, so that workers claim several at once."""

ACCEPT: Final = "mutation ($id: ID!) { acceptAmendedOrder(orderId: $id) { userErrors { message } } }"
CANCEL: Final = "mutation ($id: ID!) { cancelOrder(orderId: $id) { userErrors { message } } }"
FAIL: Final = 'mutation ($id: ID!) { failShipment(shipmentId: $id, reason: "Lost") { userErrors { message } } }'
SUBSCRIBE: Final = "subscription ($id: ID!) { orderUpdated(orderId: $id) { status shipments { id status } } }"


@dataclass
class Run:
    """One execution of all operations. `orders`: ids by purpose; `shipments`: their ids."""

    hot: HotShop
    recording: Recording
    number: int
    orders: dict[str, str] = field(default_factory=dict)
    shipments: list[str] = field(default_factory=list)

    async def prepare(self, statement: str, **values: Any) -> None:
        """Prepares what the product would not do; it is not recorded."""
        operation, self.recording.operation = self.recording.operation, ""
        await self.hot.shop.execute(statement, **values)
        self.recording.operation = operation

    def input(self, name: str, *skus: str, quantity: int = 1) -> dict[str, Any]:
        """An order of these SKUs; its reference is unique to this run."""
        lines = [{"sku": each, "quantity": quantity} for each in skus]
        return an_order_of(f"run-{self.number}-{name}", BUYER, skus[0]) | {"lines": lines}

    async def place(self, name: str, *skus: str, quantity: int = 1) -> None:
        order = self.input(name, *skus, quantity=quantity)
        self.orders[name] = (await self.hot.request(Role.SERVICE, PLACE, input=order))["order"]["id"]


Operation = Callable[[Run], Awaitable[None]]


async def place_one(run: Run) -> None:
    await run.place("one", sku(1), sku(900))
    await run.place("subscribed", sku(4))


async def place_twice_with_a_key(run: Run) -> None:
    for _ in range(2):
        order = run.input("keyed", sku(2))
        placed = await run.hot.request(Role.SERVICE, PLACE, key=f"key-{run.number}", input=order)
        run.orders["keyed"] = placed["order"]["id"]


async def place_many(run: Run) -> None:
    """For known customers, and one new one."""
    inputs = [run.input(f"many-{n}", sku(n + 10), sku(n + 860)) for n in range(BATCH)]
    for n, order in enumerate(inputs):
        order["customerReference"] = customer(n + 2) if n else f"new-{run.number}"
    results = (await run.hot.request(Role.SERVICE, PLACE_MANY, inputs=inputs))["results"]
    run.orders |= {f"many-{n}": result["order"]["id"] for n, result in enumerate(results)}


async def place_more_than_available(run: Run) -> None:
    await run.prepare("UPDATE stock SET on_hand = allocated + 1 WHERE sku = :sku", sku=RARE)
    for name in ("accepted", "cancelled", "unanswered"):
        await run.place(name, sku(3), RARE, quantity=2)


def work(queue: str) -> Operation:
    async def work_of_queue(run: Run) -> None:
        await run.hot.work(queue)

    return work_of_queue


async def accept(run: Run) -> None:
    await run.hot.request(Role.SERVICE, ACCEPT, id=run.orders["accepted"])


async def cancel(run: Run) -> None:
    await run.hot.request(Role.SERVICE, CANCEL, id=run.orders["cancelled"])
    await run.hot.request(Role.SUPPORT, CANCEL, id=run.orders["keyed"])


async def time_out(run: Run) -> None:
    """An order whose customer did not answer."""
    unanswered = parse_order(run.orders["unanswered"])
    await run.prepare("UPDATE orders SET action_deadline = clock_timestamp() WHERE id = :id", id=unanswered)
    await run.prepare("UPDATE work SET due_at = clock_timestamp() WHERE subject_id = :id", id=unanswered)
    await run.hot.work("deadlines")


async def list_booked(run: Run) -> None:
    found = (await run.hot.request(Role.COURIER, BOOKED))["nodes"]
    own = {order.removeprefix("ord_") for name, order in run.orders.items() if name != "subscribed"}
    run.shipments = [node["id"] for node in found if any(key in node["id"] for key in own)]


async def dispatch(run: Run) -> None:
    for shipment in run.shipments:
        await run.hot.request(Role.COURIER, DISPATCH, id=shipment)


async def deliver(run: Run) -> None:
    for shipment in run.shipments[1:]:
        await run.hot.request(Role.COURIER, DELIVER, id=shipment)


async def fail(run: Run) -> None:
    await run.hot.request(Role.COURIER, FAIL, id=run.shipments[0])


async def live(run: Run) -> None:
    """A subscriber receives the change of an order; the event log is reread meanwhile."""
    client = run.hot.clients[Role.SUPPORT]
    body = {"query": SUBSCRIBE, "variables": {"id": run.orders["subscribed"]}}
    events = {"Accept": "text/event-stream"}
    async with client.stream("POST", "/graphql", json=body, headers=events, timeout=30) as response:
        lines = response.aiter_lines()
        assert "PROCESSING" in await _next_data(lines)
        await run.hot.request(Role.SUPPORT, CANCEL, id=run.orders["subscribed"])
        assert "CANCELLED" in await _next_data(lines)
        await asyncio.sleep(2 * REREAD_EVERY_S)


async def _next_data(lines: Any) -> str:
    async for line in lines:
        if line.startswith("data: "):
            return str(line)
    raise AssertionError("The stream has ended.")


async def detail(run: Run) -> None:
    for name in ("one", "accepted"):
        await run.hot.request(Role.SUPPORT, DETAIL, id=run.orders[name])


async def courier_detail(run: Run) -> None:
    await run.hot.request(Role.COURIER, document("courier/show"), id=run.shipments[0])


def show(path: str) -> Operation:
    async def open_page(run: Run) -> None:
        response = await run.hot.browser.get(path.format(**run.orders))
        assert response.status_code == 200, response.text

    return open_page


def listed(document: str, role: Role, **variables: Any) -> Operation:
    async def look(run: Run) -> None:
        page = await run.hot.request(role, document, **variables)
        if page["pageInfo"]["hasNextPage"] and "$after" in document:
            await run.hot.request(role, document, **variables | {"after": page["pageInfo"]["endCursor"]})

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


def _orders(sort: str = "NEWEST_FIRST", **filters: Any) -> Operation:
    return listed(FILTERED, Role.SUPPORT, filter=filters, sort=sort)


def _oldest(**filters: Any) -> Operation:
    """Without their work: that of the filled tables belongs to no kind."""
    return listed(FILTERED.replace("work { id }", ""), Role.SUPPORT, filter=filters, sort="OLDEST_FIRST")


def _shipments(**filters: Any) -> Operation:
    return listed(SHIPMENTS, Role.COURIER, filter=filters)


def _days_ago(days: float) -> str:
    return (datetime.now(UTC) - timedelta(days=days)).isoformat()


async def _of_a_customer(run: Run) -> None:
    """As a filter of the list, and as a field of the customer."""
    customer_id = (await run.hot.request(Role.SUPPORT, CUSTOMER, reference=BUYER))["id"]
    await run.hot.request(Role.SUPPORT, FILTERED, filter={"customerId": customer_id}, sort="NEWEST_FIRST")


async def _of_ids(run: Run) -> None:
    await run.hot.request(Role.SUPPORT, FILTERED, filter={"ids": list(run.orders.values())}, sort="NEWEST_FIRST")


COUNT: Final = "query ($filter: OrderFilter) { orderCount(filter: $filter) { count isMore } }"


def _count(**filters: Any) -> Operation:
    async def count(run: Run) -> None:
        await run.hot.request(Role.SUPPORT, COUNT, filter=filters)

    return count


async def _courier_list(run: Run) -> None:
    """The page's document has several root fields."""
    body = {"query": document("courier/index"), "variables": {"first": 20, "filter": {"status": ["BOOKED"]}}}
    answer = (await run.hot.clients[Role.COURIER].post("/graphql", json=body)).json()
    assert "errors" not in answer, answer


async def search(run: Run) -> None:
    """By everything that an order can be found by."""
    shipment = await run.hot.request(Role.SUPPORT, "query ($id: ID!) { shipment(id: $id) { trackingNumber } }",
                                  id=run.shipments[0])  # fmt: skip
    for words in (f"run-{run.number}-one", f"run-{run.number}-", BUYER, sku(1), shipment["trackingNumber"]):
        found = await run.hot.request(Role.SUPPORT, SEARCH, search=words)
        assert found["nodes"], words


COMMANDS_AND_WORK: Final[Mapping[str, Operation]] = {
    "placeOrder": place_one,
    "placeOrder with an idempotency key, twice": place_twice_with_a_key,
    "placeOrders": place_many,
    "placeOrder for more than is available": place_more_than_available,
    "worker: allocation": work("allocation"),
    "acceptAmendedOrder": accept,
    "cancelOrder": cancel,
    "worker: deadlines": time_out,
    "worker: billing": work("billing"),
    "worker: booking": work("booking"),
    "list of booked shipments": list_booked,
    "dispatchShipment": dispatch,
    "deliverShipment": deliver,
    "failShipment": fail,
    "worker: refunds": work("billing"),
}

ONE_ORDER: Final[Mapping[str, Operation]] = {
    "order in detail": detail,
    "order page": show("/orders/{one}"),
    "courier's shipment": courier_detail,
    "live": live,
}
LISTS: Final[Mapping[str, Operation]] = {
    "orders": listed(LIST, Role.SUPPORT),
    "orders by status": _orders(status=["PROCESSING", "CUSTOMER_ACTION_REQUIRED"]),
    "orders of a rare status": _orders(status=["CUSTOMER_ACTION_REQUIRED"]),
    "orders of a common status": _orders(status=["COMPLETED"]),
    "orders of a day": _orders(placedFrom=_days_ago(100), placedTo=_days_ago(99)),
    "orders of a day and a status": _orders(status=["COMPLETED"], placedFrom=_days_ago(100), placedTo=_days_ago(99)),
    "orders waiting longest": _orders("WAITING_LONGEST", openOrClosedSince=_days_ago(1)),
    "orders open or closed lately": _orders(openOrClosedSince=_days_ago(1)),
    "oldest orders of a common status": _oldest(status=["COMPLETED"]),
    "oldest orders": _oldest(),
    "orders needing attention": _orders(needsAttention=True),
    "orders by their ids": _of_ids,
    "orders of a day by their total": _orders("LARGEST_TOTAL", placedFrom=_days_ago(100), placedTo=_days_ago(99.5)),
    "orders of a customer": show("/orders"),
    "orders of a customer by id": _of_a_customer,
    "shipments to pick up": _shipments(status=["BOOKED"], warehouseCode=NEAR),
    "shipments on the way or done": _shipments(status=["DISPATCHED", "DELIVERED"]),
    "shipments delivered lately": _shipments(deliveredFrom=_days_ago(2)),
    "courier's list": _courier_list,
}

SEARCHES: Final[Mapping[str, Operation]] = {
    "search": search,
    "search for a word of many orders": listed(SEARCH, Role.SUPPORT, search="Exampletown"),
    "search for a beginning of very many terms": listed(SEARCH, Role.SUPPORT, search="FILLED-"),
    "search for words that no order has together": listed(SEARCH, Role.SUPPORT, search="Exampletown Town"),
}
"""They read up to 10,001 entries of an index, to find the newest orders of a word or to see that it has too many."""

COUNTS: Final[Mapping[str, Operation]] = {
    "count of all orders": _count(),
    "count of a common status": _count(status=["COMPLETED"]),
    "count of rare statuses": _count(status=["CUSTOMER_ACTION_REQUIRED", "FAILED"]),
    "count of a day and a status": _count(status=["COMPLETED"], placedFrom=_days_ago(100), placedTo=_days_ago(99)),
    "count of what needs attention": _count(needsAttention=True),
}
"""They read up to 10,001 entries of an index."""


async def execute_all(hot: HotShop, recording: Recording, number: int) -> None:
    """One after the other; `number` identifies the run."""
    run = Run(hot, recording, number)
    for name, execute in {**COMMANDS_AND_WORK, **ONE_ORDER, **LISTS, **SEARCHES, **COUNTS}.items():
        recording.operation = name
        await execute(run)
    recording.operation = ""
