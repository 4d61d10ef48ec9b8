"""A shop in memory behind the contract, realistic enough to test the replay's counts."""

import asyncio
import itertools
import threading
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import uvicorn
from graphql import GraphQLSchema, build_schema, graphql_sync
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

Node = dict[str, Any]
FINAL = {"DELIVERED", "FAILED", "CANCELLED"}


def contract() -> str:
    """The text of the contract."""
    return (Path(__file__).parents[2] / "schema/contract/schema.graphql").read_text()


@dataclass
class ShopDouble:
    """Allocates and books at once. Every `lose_every`-th order is placed, but its answer is lost."""

    action_s: float = 3.0
    is_stuck: bool = False
    lose_every: int | None = None
    refuse_sku: str | None = None
    fault_sku: str | None = None
    stock: dict[tuple[str, str], int] = field(default_factory=dict)
    orders: dict[str, Node] = field(default_factory=dict)
    requests: int = 0

    def __post_init__(self) -> None:
        self._numbers = itertools.count(1)
        self._lock = threading.Lock()
        self._schema: GraphQLSchema = build_schema(contract())

    def answer(self, document: str, variables: dict[str, Any]) -> dict[str, Any]:
        with self._lock:
            self._time_out_silent_orders()
            result = graphql_sync(self._schema, document, self._root(), variable_values=variables)
        return dict(result.formatted)

    def _root(self) -> dict[str, Callable[..., Any]]:
        fields: dict[str, Callable[[Node], Any]] = {
            "upsertWarehouses": lambda given: {"changed": len(given["inputs"]), "userErrors": []},
            "upsertProducts": lambda given: {"changed": len(given["inputs"]), "userErrors": []},
            "setStock": lambda given: self._set_stock(given["inputs"]),
            "stock": lambda given: self._levels(given["sku"]),
            "placeOrder": lambda given: self._place(given["input"]),
            "placeOrders": lambda given: {"results": list(map(self._place, given["inputs"])), "userErrors": []},
            "order": lambda given: self.orders.get(given["id"]),
            "orders": lambda given: self._page(self.orders.values(), given.get("filter")),
            "shipments": lambda given: self._page(self._shipments(), given["filter"]),
            "acceptAmendedOrder": lambda given: self._accept(self.orders[given["orderId"]]),
            "cancelOrder": lambda given: self._cancel(self.orders[given["orderId"]]),
            "dispatchShipment": lambda given: self._step(given, {"BOOKED"}, "DISPATCHED"),
            "deliverShipment": lambda given: self._step(given, {"DISPATCHED"}, "DELIVERED"),
            "failShipment": lambda given: self._step(given, {"BOOKED", "DISPATCHED"}, "FAILED"),
        }

        def resolver(field: Callable[[Node], Any]) -> Callable[..., Any]:
            return lambda _info, **given: field(given)

        return {name: resolver(field) for name, field in fields.items()}

    def _levels(self, sku: str) -> list[Node]:
        return [
            {"sku": sku, "warehouse": {"code": code}, "onHand": units}
            for (stocked, code), units in self.stock.items()
            if stocked == sku
        ]

    def _shipments(self) -> Iterator[Node]:
        for order in self.orders.values():
            yield from order["shipments"]

    def _set_stock(self, inputs: list[Node]) -> Node:
        for entry in inputs:
            now = self.stock.get((entry["sku"], entry["warehouseCode"]), 0)
            if entry.get("expectedOnHand", now) != now:
                return {"changed": 0, "userErrors": [{"code": "CONFLICT", "message": "changed since"}]}
        self.stock |= {(entry["sku"], entry["warehouseCode"]): entry["onHand"] for entry in inputs}
        return {"changed": len(inputs), "userErrors": []}

    def _place(self, given: Node) -> Node:
        if any(line["sku"] == self.fault_sku for line in given["lines"]):
            raise RuntimeError("a bug")
        if any(line["sku"] == self.refuse_sku for line in given["lines"]):
            error = {"code": "NOT_FOUND", "message": "Unknown SKU.", "path": ["lines", "0", "sku"]}
            return {"order": None, "userErrors": [error]}
        known = next((o for o in self.orders.values() if o["reference"] == given["reference"]), None)
        if known is None:
            known = self._new_order(given)
            self.orders[known["id"]] = known
        return {"order": known, "userErrors": []}

    def _new_order(self, given: Node) -> Node:
        now = datetime.now(UTC)
        order: Node = {"id": f"o{next(self._numbers)}", "reference": given["reference"], "placedAt": now.isoformat()}
        order["lines"], taken = [], set()
        for line in given["lines"]:
            missing = line["quantity"]
            for (sku, code), units in self.stock.items():
                if sku == line["sku"] and (got := min(missing, units)):
                    self.stock[sku, code] -= got
                    missing -= got
                    taken.add(code)
            order["lines"].append({"unavailableQuantity": missing})
        is_amended = any(line["unavailableQuantity"] for line in order["lines"])
        order["shipments"] = [self._new_shipment(order, code, is_amended=is_amended) for code in sorted(taken)]
        order["status"] = "CUSTOMER_ACTION_REQUIRED" if is_amended else "PROCESSING"
        order["actionDeadline"] = (now + timedelta(seconds=self.action_s)).isoformat()
        order["viewerCanAcceptAmendment"] = is_amended and bool(taken)
        return order

    def _new_shipment(self, order: Node, code: str, *, is_amended: bool) -> Node:
        return {
            "id": f"s{next(self._numbers)}",
            "order": order,
            "warehouse": {"code": code},
            "status": "PENDING" if is_amended else "BOOKED",
            "bookedAt": None if is_amended else datetime.now(UTC).isoformat(),
        }

    def _accept(self, order: Node) -> Node:
        if order["status"] != "CUSTOMER_ACTION_REQUIRED":
            return self._conflict("order")
        order["status"] = "PROCESSING"
        for shipment in order["shipments"]:
            shipment |= {"status": "BOOKED", "bookedAt": datetime.now(UTC).isoformat()}
        return {"order": order, "userErrors": []}

    def _cancel(self, order: Node, status: str = "CANCELLED") -> Node:
        if any(shipment["status"] not in ("PENDING", "BOOKED") for shipment in order["shipments"]):
            return self._conflict("order")
        order["status"] = status
        for shipment in order["shipments"]:
            shipment["status"] = "CANCELLED"
        return {"order": order, "userErrors": []}

    def _step(self, given: Node, before: set[str], after: str) -> Node:
        shipment = next(shipment for shipment in self._shipments() if shipment["id"] == given["shipmentId"])
        if self.is_stuck or shipment["status"] not in before:
            return self._conflict("shipment")
        shipment["status"] = after
        order = shipment["order"]
        statuses = {other["status"] for other in order["shipments"]}
        if statuses <= FINAL:
            order["status"] = "COMPLETED" if "DELIVERED" in statuses else "FAILED"
        return {"shipment": shipment, "userErrors": []}

    def _time_out_silent_orders(self) -> None:
        for order in self.orders.values():
            overdue = datetime.fromisoformat(order["actionDeadline"]) < datetime.now(UTC)
            if order["status"] == "CUSTOMER_ACTION_REQUIRED" and overdue:
                self._cancel(order, "TIMED_OUT")

    @staticmethod
    def _conflict(subject: str) -> Node:
        return {subject: None, "userErrors": [{"code": "CONFLICT", "message": "not now"}]}

    @staticmethod
    def _page(nodes: Iterable[Node], only: Node | None) -> Node:
        matching = [node for node in nodes if only is None or node["status"] in only["status"]]
        return {"nodes": matching[::-1], "pageInfo": {"hasNextPage": False, "endCursor": None}}


@contextmanager
def served(shop: ShopDouble) -> Iterator[str]:
    """Serves the shop on a free port; yields its address."""

    async def graphql(request: Request) -> Response:
        body = await request.json()
        answer = await asyncio.to_thread(shop.answer, body["query"], body.get("variables") or {})
        for error in answer.get("errors", []):
            error["extensions"] = {"code": "INTERNAL"}
        shop.requests += 1
        if shop.lose_every and "mutation Place" in body["query"] and shop.requests % shop.lose_every == 0:
            return Response(status_code=503)
        return JSONResponse(answer)

    app = Starlette(routes=[Route("/graphql", graphql, methods=["POST"])])
    server = uvicorn.Server(uvicorn.Config(app, port=0, log_config=None, log_level="warning"))
    thread = threading.Thread(target=server.run)
    thread.start()
    while not server.started:
        assert thread.is_alive()
        threading.Event().wait(0.01)
    try:
        yield f"http://127.0.0.1:{server.servers[0].sockets[0].getsockname()[1]}"
    finally:
        server.should_exit = True
        thread.join()
