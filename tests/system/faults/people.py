"""The users of the shop during a trial: carts, customers, couriers, a manager and support."""

import asyncio
from collections.abc import Mapping
from typing import Any, Final

from tests.system.faults.caller import Action, Answer, Caller

SKUS: Final = tuple(f"SKU-{number:02}" for number in range(24))
SCARCE: Final = ("RARE-1", "RARE-2", "RARE-3")
WAREHOUSES: Final = ("NORTH", "SOUTH", "WEST")
PLENTY: Final = 1_000_000
CUSTOMERS: Final = 60
OWN_CUSTOMERS: Final = ("ines", "omar", "yuki")
"""Customers who order for themselves; the carts order for others."""

PLACE: Final = "mutation ($input: PlaceOrderInput!) { placeOrder(input: $input) { order { id } userErrors { code } } }"
PLACE_MANY: Final = """mutation ($inputs: [PlaceOrderInput!]!) {
  placeOrders(inputs: $inputs) { results { order { id } userErrors { code } } userErrors { code } } }"""
ACCEPT: Final = "mutation ($id: ID!) { acceptAmendedOrder(orderId: $id) { order { id } userErrors { code } } }"
CANCEL: Final = 'mutation ($id: ID!) { cancelOrder(orderId: $id, reason: "Changed my mind") { userErrors { code } } }'
DISPATCH: Final = "mutation ($id: ID!) { dispatchShipment(shipmentId: $id) { userErrors { code } } }"
DELIVER: Final = "mutation ($id: ID!) { deliverShipment(shipmentId: $id) { userErrors { code } } }"
FAIL: Final = 'mutation ($id: ID!) { failShipment(shipmentId: $id, reason: "Lost") { userErrors { code } } }'
LIMIT: Final = "mutation ($limit: MinorUnits!) { setSpendingLimit(limit: $limit) { userErrors { code } } }"
MAINTENANCE: Final = "mutation ($on: Boolean!) { setFraudMaintenance(enabled: $on) { userErrors { code } } }"
CLEAR: Final = 'mutation { clearSpending(reason: "A new month") { userErrors { code } } }'
SET_STOCK: Final = "mutation ($inputs: [StockInput!]!) { setStock(inputs: $inputs) { userErrors { code } } }"
RETRY: Final = "mutation ($id: ID!) { retryWork(workId: $id) { userErrors { code } } }"

SHIPMENTS: Final = """query ($status: [ShipmentStatus!]) {
  shipments(first: 100, filter: {status: $status}) { nodes { id status } } }"""
AMENDED: Final = """{ orders(first: 20, filter: {status: [CUSTOMER_ACTION_REQUIRED]}) {
  nodes { id viewerCanAcceptAmendment } } }"""
FIND: Final = """query ($reference: String!) { order(reference: $reference) {
  id status events(first: 30) { nodes { type } } } }"""
PARKED: Final = "{ parkedWork(first: 50) { nodes { id order { id } } } }"
STOCK: Final = "query ($sku: String!) { stock(sku: $sku) { onHand allocated warehouse { code } } }"

MAY_BE_REFUSED: Final = frozenset({"CONFLICT"})


class Person:
    """Does one thing after the other, each drawn at random, until stopped."""

    pause_s: float = 0.05

    def __init__(self, caller: Caller) -> None:
        self.caller = caller
        self.chance = caller.chance
        self.ledger = caller.ledger

    async def run(self, stop: asyncio.Event) -> None:
        while not stop.is_set():
            await self.act()
            await asyncio.sleep(self.pause_s * self.chance.uniform(0.2, 1.8))

    async def act(self) -> None:
        raise NotImplementedError

    async def command(self, document: str, variables: Mapping[str, Any], event: str, subject: str) -> Answer:
        """A command that takes effect once, whatever happens to its requests."""
        answer = await self.caller.request(document, variables, key=self.caller.key())
        if not answer.refusals:
            self.ledger.acknowledged[Action(event, self.caller.name, subject)] += 1
        elif not set(answer.refusals) <= MAY_BE_REFUSED:
            self.ledger.complain(f"{self.caller.name} was refused {event} of {subject}: {answer.refusals}")
        return answer


class Buyer(Person):
    """Places orders, and repeats some with the same or other content; a cart also sets prices and customers."""

    def __init__(self, caller: Caller, *, is_cart: bool) -> None:
        super().__init__(caller)
        self._is_cart = is_cart
        self._placed: list[str] = []
        self._count = 0

    async def act(self) -> None:
        drawn = self.chance.random()
        if drawn < 0.06 and self._placed:
            await self._repeat()
        elif drawn < 0.10 and self._placed:
            await self._repeat_with_other_content()
        elif drawn < 0.14 and self._is_cart:
            await self._place_many()
        elif drawn < 0.20:
            await self._answer_amended()
        else:
            await self._place()

    def _order(self) -> dict[str, Any]:
        self._count += 1
        skus = self.chance.sample(SKUS, self.chance.randint(1, 3))
        if self.chance.random() < 0.12:
            skus.append(self.chance.choice(SCARCE))
        lines: list[dict[str, Any]] = [{"sku": sku, "quantity": self.chance.randint(1, 3)} for sku in skus]
        order: dict[str, Any] = {"reference": f"{self.caller.name}-{self._count}", "lines": lines}
        if self._is_cart:
            order["customerReference"] = f"customer-{self.chance.randrange(CUSTOMERS)}"
            lines[0]["unitPrice"] = self.chance.randint(100, 5000)
        if self.chance.random() < 0.03:
            order["paymentMethod"] = "sandbox-declined"
        if self.chance.random() < 0.5:
            order["shippingAddress"] = {"name": "A. Person", "line1": f"{self._count} Harbour Street", "country": "US"}
        return order

    async def _place(self) -> None:
        """The reference alone makes it repeatable; half of the requests have a key, too."""
        order = self._order()
        key = self.caller.key() if self.chance.random() < 0.5 else None
        answer = await self.caller.request(PLACE, {"input": order}, key=key)
        self._record(order, answer)

    async def _place_many(self) -> None:
        orders = [self._order() for _ in range(self.chance.randint(2, 8))]
        answer = await self.caller.request(PLACE_MANY, {"inputs": orders})
        for order, result in zip(orders, answer.payload["results"], strict=True):
            self._record(order, Answer(result, tuple(problem["code"] for problem in result["userErrors"])))

    def _record(self, order: dict[str, Any], answer: Answer) -> None:
        reference = order["reference"]
        if answer.refusals:
            self.ledger.complain(f"{reference} was refused: {answer.refusals}")
            return
        order_id = answer.payload["order"]["id"]
        self.ledger.orders[reference] = (order_id, order)
        self.ledger.acknowledged[Action("OrderPlaced", self.caller.name, order_id)] += 1
        self._placed.append(reference)

    async def _repeat(self) -> None:
        reference = self.chance.choice(self._placed)
        order_id, order = self.ledger.orders[reference]
        answer = await self.caller.request(PLACE, {"input": order})
        if answer.refusals or answer.payload["order"]["id"] != order_id:
            self.ledger.complain(f"The repeat of {reference} is not {order_id} but {answer}")

    async def _repeat_with_other_content(self) -> None:
        reference = self.chance.choice(self._placed)
        _, order = self.ledger.orders[reference]
        other = order | {"lines": [{"sku": SKUS[0], "quantity": 77}]}
        answer = await self.caller.request(PLACE, {"input": other})
        if answer.refusals != ("DUPLICATE",):
            self.ledger.complain(f"{reference} with other content was answered with {answer}")

    async def _answer_amended(self) -> None:
        """Customers answer for themselves, carts for their customers; many do not answer."""
        found = await self.caller.request(AMENDED, {})
        for order in found.payload["nodes"][:2]:
            if order["viewerCanAcceptAmendment"] and self.chance.random() < 0.6:
                await self.command(ACCEPT, {"id": order["id"]}, "AmendmentAccepted", order["id"])
            elif self.chance.random() < 0.5:
                await self.command(CANCEL, {"id": order["id"]}, "OrderCancelled", order["id"])


class Courier(Person):
    """Dispatches what is booked, delivers what is dispatched, loses some; two may choose the same shipment."""

    careless = True

    async def act(self) -> None:
        status = self.chance.choice(("BOOKED", "DISPATCHED"))
        found = await self.caller.request(SHIPMENTS, {"status": [status]})
        nodes = found.payload["nodes"]
        for shipment in self.chance.sample(nodes, min(len(nodes), 6)):
            await self.move(shipment["id"], shipment["status"])

    async def move_all(self, index: int, of: int) -> None:
        """Every open shipment that is this courier's share; loses none."""
        self.careless = False
        found = await self.caller.request(SHIPMENTS, {"status": ["BOOKED", "DISPATCHED"]})
        for shipment in found.payload["nodes"][index::of]:
            await self.move(shipment["id"], shipment["status"])

    async def move(self, shipment_id: str, status: str) -> None:
        if self.careless and self.chance.random() < 0.03:
            await self.command(FAIL, {"id": shipment_id}, "ShipmentFailed", shipment_id)
        elif status == "BOOKED":
            await self.command(DISPATCH, {"id": shipment_id}, "ShipmentDispatched", shipment_id)
        else:
            await self.command(DELIVER, {"id": shipment_id}, "ShipmentDelivered", shipment_id)


class Manager(Person):
    """The only one: counts stock, sets limits, switches maintenance, starts new spending periods."""

    pause_s = 0.8

    def __init__(self, caller: Caller) -> None:
        super().__init__(caller)
        self._limits = 0

    async def act(self) -> None:
        await self.chance.choice((self._restock, self._restock, self._limit, self._maintenance, self._clear))()

    async def _restock(self) -> None:
        """A few more units of a scarce SKU; refused if more were allocated meanwhile."""
        sku = self.chance.choice(SCARCE)
        found = await self.caller.request(STOCK, {"sku": sku})
        level = self.chance.choice(found.payload)
        units = level["allocated"] + self.chance.randint(0, 8)
        count = {"sku": sku, "warehouseCode": level["warehouse"]["code"], "onHand": units}
        answer = await self.caller.request(SET_STOCK, {"inputs": [count]}, key=self.caller.key())
        if not set(answer.refusals) <= MAY_BE_REFUSED | {"INVALID"}:
            self.ledger.complain(f"counting {count} was refused: {answer.refusals}")

    async def _limit(self) -> None:
        """A new one each time, so that each is an event; few customers come near it."""
        self._limits += 1
        limit = 3_000_000 + self._limits
        await self.command(LIMIT, {"limit": limit}, "SpendingLimitSet", str(limit))

    async def _maintenance(self) -> None:
        await self.command(MAINTENANCE, {"on": True}, "MaintenanceSwitched", "True")
        await asyncio.sleep(self.chance.uniform(0, 0.4))
        await self.command(MAINTENANCE, {"on": False}, "MaintenanceSwitched", "False")

    async def _clear(self) -> None:
        await self.command(CLEAR, {}, "SpendingCleared", "")


class Support(Person):
    """Looks up orders and their events, cancels some, retries parked work."""

    pause_s = 0.15

    async def act(self) -> None:
        drawn = self.chance.random()
        if drawn < 0.15:
            await self.retry_parked()
        elif self.ledger.orders:
            reference = self.chance.choice(list(self.ledger.orders)[-200:])
            found = await self.caller.request(FIND, {"reference": reference})
            order_id, _ = self.ledger.orders[reference]
            if not found.payload or found.payload["id"] != order_id:
                self.ledger.complain(f"{reference} was acknowledged, and support does not find it")
            elif drawn < 0.35:
                await self.command(CANCEL, {"id": order_id}, "OrderCancelled", order_id)

    async def retry_parked(self) -> None:
        found = await self.caller.request(PARKED, {})
        for work in found.payload["nodes"]:
            await self._retry(work["id"])

    async def _retry(self, work_id: str) -> None:
        answer = await self.caller.request(RETRY, {"id": work_id}, key=self.caller.key())
        if not answer.refusals:
            self.ledger.acknowledged[Action("WorkRetried", self.caller.name, work_id)] += 1
        elif set(answer.refusals) != {"NOT_FOUND"}:
            self.ledger.complain(f"{self.caller.name} was refused to retry {work_id}: {answer.refusals}")
