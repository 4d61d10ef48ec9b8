"""Who uses the shop while it suffers: carts, customers, couriers, a manager and support."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from typing import Any, Final

from tests.system.faults.asking import Answer, Caller, CourierAction

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
MAINTAIN: Final = "mutation ($on: Boolean!) { setFraudMaintenance(enabled: $on) { userErrors { code } } }"
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

Habit = Callable[[], Awaitable[None]]


class Person:
    """Does one thing after the other, each by a draw of their own chance, until told to stop."""

    pause_s: float = 0.05

    def __init__(self, caller: Caller) -> None:
        self.caller = caller
        self.chance = caller.chance
        self.ledger = caller.ledger

    async def live(self, stop: asyncio.Event) -> None:
        while not stop.is_set():
            await self.act()
            await asyncio.sleep(self.pause_s * self.chance.uniform(0.2, 1.8))

    async def act(self) -> None:
        raise NotImplementedError

    async def command(self, document: str, variables: Mapping[str, Any], event: str, subject: str) -> Answer:
        """A command that changes one thing once, whatever happens to the requests that carry it."""
        answer = await self.caller.ask(document, variables, key=self.caller.key())
        if not answer.refusals:
            self.ledger.done[CourierAction(event, self.caller.name, subject)] += 1
        elif not set(answer.refusals) <= MAY_BE_REFUSED:
            self.ledger.complain(f"{self.caller.name} was refused {event} of {subject}: {answer.refusals}")
        return answer


class Buyer(Person):
    """Places orders, some again, some again with other content; gives prices and customers if a cart."""

    def __init__(self, caller: Caller, *, is_cart: bool) -> None:
        super().__init__(caller)
        self._is_cart = is_cart
        self._placed: list[str] = []
        self._count = 0

    async def act(self) -> None:
        drawn = self.chance.random()
        if drawn < 0.06 and self._placed:
            await self._again()
        elif drawn < 0.10 and self._placed:
            await self._again_otherwise()
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
        """The reference alone makes it safe to repeat; half of the time a key goes with it."""
        order = self._order()
        key = self.caller.key() if self.chance.random() < 0.5 else None
        answer = await self.caller.ask(PLACE, {"input": order}, key=key)
        self._told(order, answer)

    async def _place_many(self) -> None:
        orders = [self._order() for _ in range(self.chance.randint(2, 8))]
        answer = await self.caller.ask(PLACE_MANY, {"inputs": orders})
        for order, result in zip(orders, answer.payload["results"], strict=True):
            self._told(order, Answer(result, tuple(problem["code"] for problem in result["userErrors"])))

    def _told(self, order: dict[str, Any], answer: Answer) -> None:
        reference = order["reference"]
        if answer.refusals:
            self.ledger.refused_references.add(reference)
            self.ledger.complain(f"{reference} was refused: {answer.refusals}")
            return
        order_id = answer.payload["order"]["id"]
        self.ledger.orders[reference] = (order_id, order)
        self.ledger.done[CourierAction("OrderPlaced", self.caller.name, order_id)] += 1
        self._placed.append(reference)

    async def _again(self) -> None:
        reference = self.chance.choice(self._placed)
        order_id, order = self.ledger.orders[reference]
        answer = await self.caller.ask(PLACE, {"input": order})
        if answer.refusals or answer.payload["order"]["id"] != order_id:
            self.ledger.complain(f"{reference} again is not {order_id} but {answer}")

    async def _again_otherwise(self) -> None:
        reference = self.chance.choice(self._placed)
        _, order = self.ledger.orders[reference]
        other = order | {"lines": [{"sku": SKUS[0], "quantity": 77}]}
        answer = await self.caller.ask(PLACE, {"input": other})
        if answer.refusals != ("DUPLICATE",):
            self.ledger.complain(f"{reference} with other content was answered with {answer}")

    async def _answer_amended(self) -> None:
        """Customers answer for themselves, carts pass it on for theirs; many stay silent."""
        found = await self.caller.ask(AMENDED, {})
        for order in found.payload["nodes"][:2]:
            if order["viewerCanAcceptAmendment"] and self.chance.random() < 0.6:
                await self.command(ACCEPT, {"id": order["id"]}, "AmendmentAccepted", order["id"])
            elif self.chance.random() < 0.5:
                await self.command(CANCEL, {"id": order["id"]}, "OrderCancelled", order["id"])


class Courier(Person):
    """Dispatches what is booked, delivers what is dispatched, loses some; two may be at the same shipment."""

    careless = True

    async def act(self) -> None:
        status = self.chance.choice(("BOOKED", "DISPATCHED"))
        found = await self.caller.ask(SHIPMENTS, {"status": [status]})
        nodes = found.payload["nodes"]
        for shipment in self.chance.sample(nodes, min(len(nodes), 6)):
            await self.carry(shipment["id"], shipment["status"])

    async def empty_the_round(self, index: int, of: int) -> None:
        """Everything that is booked or dispatched, as far as it is this courier's share, with care."""
        self.careless = False
        found = await self.caller.ask(SHIPMENTS, {"status": ["BOOKED", "DISPATCHED"]})
        for shipment in found.payload["nodes"][index::of]:
            await self.carry(shipment["id"], shipment["status"])

    async def carry(self, shipment_id: str, status: str) -> None:
        if self.careless and self.chance.random() < 0.03:
            await self.command(FAIL, {"id": shipment_id}, "ShipmentFailed", shipment_id)
        elif status == "BOOKED":
            await self.command(DISPATCH, {"id": shipment_id}, "ShipmentDispatched", shipment_id)
        else:
            await self.command(DELIVER, {"id": shipment_id}, "ShipmentDelivered", shipment_id)


class Boss(Person):
    """The only manager: counts stock, sets limits, switches maintenance on and off, begins new periods."""

    pause_s = 0.8

    def __init__(self, caller: Caller) -> None:
        super().__init__(caller)
        self._limits = 0

    async def act(self) -> None:
        await self.chance.choice((self._restock, self._restock, self._limit, self._maintain, self._clear))()

    async def _restock(self) -> None:
        """A few more units of something scarce; it may be refused where more was promised meanwhile."""
        sku = self.chance.choice(SCARCE)
        found = await self.caller.ask(STOCK, {"sku": sku})
        level = self.chance.choice(found.payload)
        units = level["allocated"] + self.chance.randint(0, 8)
        count = {"sku": sku, "warehouseCode": level["warehouse"]["code"], "onHand": units}
        answer = await self.caller.ask(SET_STOCK, {"inputs": [count]}, key=self.caller.key())
        if not set(answer.refusals) <= MAY_BE_REFUSED | {"INVALID"}:
            self.ledger.complain(f"counting {count} was refused: {answer.refusals}")

    async def _limit(self) -> None:
        """Each is another one, so each is an event; few customers ever come near it."""
        self._limits += 1
        limit = 3_000_000 + self._limits
        await self.command(LIMIT, {"limit": limit}, "SpendingLimitSet", str(limit))

    async def _maintain(self) -> None:
        await self.command(MAINTAIN, {"on": True}, "MaintenanceSwitched", "True")
        await asyncio.sleep(self.chance.uniform(0, 0.4))
        await self.command(MAINTAIN, {"on": False}, "MaintenanceSwitched", "False")

    async def _clear(self) -> None:
        await self.command(CLEAR, {}, "SpendingCleared", "")


class Support(Person):
    """Looks for orders, reads their trails, cancels some, retries what was parked."""

    pause_s = 0.15

    async def act(self) -> None:
        drawn = self.chance.random()
        if drawn < 0.15:
            await self.mend()
        elif self.ledger.orders:
            reference = self.chance.choice(list(self.ledger.orders)[-200:])
            found = await self.caller.ask(FIND, {"reference": reference})
            order_id, _ = self.ledger.orders[reference]
            if not found.payload or found.payload["id"] != order_id:
                self.ledger.complain(f"{reference} was acknowledged, and support does not find it")
            elif drawn < 0.35:
                await self.command(CANCEL, {"id": order_id}, "OrderCancelled", order_id)

    async def mend(self) -> None:
        found = await self.caller.ask(PARKED, {})
        for work in found.payload["nodes"]:
            await self._retry(work["id"])

    async def _retry(self, work_id: str) -> None:
        answer = await self.caller.ask(RETRY, {"id": work_id}, key=self.caller.key())
        if not answer.refusals:
            self.ledger.done[CourierAction("WorkRetried", self.caller.name, work_id)] += 1
        elif set(answer.refusals) != {"NOT_FOUND"}:
            self.ledger.complain(f"{self.caller.name} was refused to retry {work_id}: {answer.refusals}")
