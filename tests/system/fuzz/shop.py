"""A running shop with orders of two customers; those of one contain data that no other customer may see."""

import asyncio
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import httpx

from oms.domain.tokens.commands import issue_token
from oms.domain.vocabulary.actor import Role
from oms.platform.db import Database
from oms.tools.dev_services.embedded import running_instance
from tests.platform.conftest import Instance, clean_environment, launch

CANARY: Final = "canary-7f3a9c"
"""Part of ben's name, address, e-mail address and reason to cancel."""
PRICE_MINOR: Final = 987_654
"""The price of everything that ben bought, and of nothing else."""

_PLACE: Final = """mutation ($inputs: [PlaceOrderInput!]!) { placeOrders(inputs: $inputs) {
  results { order { id customer { id } } userErrors { message } } userErrors { message } } }"""
_STOCK: Final = """mutation ($w: [WarehouseInput!]!, $p: [ProductInput!]!, $s: [StockInput!]!) {
  upsertWarehouses(inputs: $w) { userErrors { message } } upsertProducts(inputs: $p) { userErrors { message } }
  setStock(inputs: $s) { userErrors { message } } }"""
_SHIPMENTS: Final = "{ shipments(first: 100) { nodes { id status order { id } } } }"
_CANCEL: Final = (
    "mutation ($id: ID!, $reason: String) { cancelOrder(orderId: $id, reason: $reason) { userErrors { message } } }"
)


@dataclass(frozen=True, slots=True)
class RunningShop:
    """`tokens` by role; the customer is ana. `known`: existing ids and codes."""

    url: str
    tokens: Mapping[Role, str]
    instance: Instance
    known: list[str] = field(default_factory=list)


@contextmanager
def running_shop(folder: Path) -> Iterator[RunningShop]:
    """`python -m oms run` without demo mode, with open orders. Raises AssertionError if it does not stop cleanly."""
    environment = clean_environment(folder / "data") | {"OMS_DEMO": "0", "OMS_LOG_LEVEL": "warning"}
    instance = launch(
        environment | {"OMS_MACHINE_REQUESTS_PER_S": "0", "OMS_MACHINE_COST_PER_S": "0"}, folder / "output"
    )
    try:
        instance.wait_until_ready()
        running = running_instance(folder / "data")
        assert running
        assert running.database_url
        shop = RunningShop(instance.url, asyncio.run(_tokens(running.database_url)), instance)
        _prepare(shop)
        yield shop
    finally:
        if instance.process.poll() is None:
            assert instance.stop() == 0


async def _tokens(database_url: str) -> dict[Role, str]:
    db = Database(database_url, pool_size=1, notify=lambda _: None)
    tokens = {}
    async with db.transaction() as tx:
        for role in Role:
            reference = "ana" if role is Role.CUSTOMER else None
            tokens[role] = await issue_token(
                tx, role=role, name=f"fuzz {role}", customer_reference=reference, days=None
            )
    await db.close()
    return tokens


def _prepare(shop: RunningShop) -> None:
    skus = [f"sku-{n}" for n in range(5)]
    warehouses = ["north", "south"]
    with httpx.Client(base_url=shop.url, timeout=30) as http:
        _request(
            http, shop, Role.SERVICE, _STOCK,
            w=[{"code": code, "name": code} for code in warehouses],
            p=[{"sku": sku, "name": sku, "unitPrice": 100} for sku in skus],
            s=[{"sku": sku, "warehouseCode": code, "onHand": 10_000} for sku in skus for code in warehouses],
        )  # fmt: skip
        orders = [_order(customer, n, skus) for n in range(20) for customer in ("ana", "ben")]
        placed = _request(http, shop, Role.SERVICE, _PLACE, inputs=orders)["placeOrders"]["results"]
        ids = [result["order"]["id"] for result in placed]
        customers = {result["order"]["customer"]["id"] for result in placed}
        _request(http, shop, Role.SERVICE, _CANCEL, id=ids[1], reason=f"Because {CANARY}")
        shipments = _booked(http, shop)
    references = [order["reference"] for order in orders]
    shop.known.extend([*ids, *sorted(customers), *shipments, *references, "ana", "ben", *skus, *warehouses])


def _order(customer: str, number: int, skus: list[str]) -> dict[str, Any]:
    order: dict[str, Any] = {"reference": f"{customer}-{number}", "customerReference": customer, "currency": "USD"}
    line: dict[str, Any] = {"sku": skus[number % len(skus)], "quantity": 1 + number % 3}
    if customer == "ben":
        address = {"name": CANARY, "line1": f"1 {CANARY} street", "country": "PT"}
        order |= {"email": f"{CANARY}@example.com", "shippingAddress": address}
        line["unitPrice"] = PRICE_MINOR
    return order | {"lines": [line]}


def _booked(http: httpx.Client, shop: RunningShop) -> list[str]:
    """The ids of all shipments, once nearly all are booked."""
    deadline_s = time.monotonic() + 60
    while True:
        nodes = _request(http, shop, Role.SUPPORT, _SHIPMENTS)["shipments"]["nodes"]
        if sum(node["status"] == "BOOKED" for node in nodes) >= 39:
            return [node["id"] for node in nodes]
        assert time.monotonic() < deadline_s, nodes
        time.sleep(0.2)


def _request(http: httpx.Client, shop: RunningShop, role: Role, document: str, **variables: Any) -> Any:
    headers = {"Authorization": f"Bearer {shop.tokens[role]}"}
    answer = http.post("/graphql", json={"query": document, "variables": variables}, headers=headers).json()
    assert "errors" not in answer, answer
    return answer["data"]
