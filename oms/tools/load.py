"""The load generator: places made-up orders through the API at a rate, and delivers their shipments if asked to.

Its products are in stock in a warehouse of its own, so the stock of the demo's catalogue stays as it is.
"""

import asyncio
import secrets
import time
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, Final

import httpx

DELIVER_EVERY_S: Final = 1.0

_OUTAGE_PAUSE_S: Final = 1.0
_REQUEST_TIMEOUT_S: Final = 30.0
_WAREHOUSE: Final = "LOAD"
_UNITS: Final = 1_000_000
_SKUS: Final = tuple(f"LOAD-{number}" for number in range(1, 6))
_CUSTOMERS: Final = 50

_UPSERT_WAREHOUSES: Final = "mutation($inputs: [WarehouseInput!]!) { upsertWarehouses(inputs: $inputs) { %s } }"
_UPSERT_PRODUCTS: Final = "mutation($inputs: [ProductInput!]!) { upsertProducts(inputs: $inputs) { %s } }"
_SET_STOCK: Final = "mutation($inputs: [StockInput!]!) { setStock(inputs: $inputs) { %s } }"
_PLACE: Final = "mutation($input: PlaceOrderInput!) { placeOrder(input: $input) { %s } }"
_DISPATCH: Final = "mutation($id: ID!) { dispatchShipment(shipmentId: $id) { %s } }"
_DELIVER: Final = "mutation($id: ID!) { deliverShipment(shipmentId: $id) { %s } }"
_USER_ERRORS: Final = "userErrors { code message path }"
_SHIPMENTS: Final = """
query($warehouse: String!) {
  shipments(first: 100, filter: { status: [BOOKED, DISPATCHED], warehouseCode: $warehouse }) {
    nodes { id viewerCanDispatch }
  }
}
"""


class NotAccepted(Exception):
    """The API refused a request. `is_outage`: it is unavailable, or limits the rate."""

    def __init__(self, message: str, *, is_outage: bool = False) -> None:
        super().__init__(message)
        self.is_outage = is_outage


@dataclass
class Result:
    """What came of a run so far."""

    started_s: float
    placed: int = 0
    delivered: int = 0
    refused: int = 0
    last_problem: str = ""

    @property
    def placed_per_s(self) -> float:
        return self.placed / max(time.monotonic() - self.started_s, 1.0)


class LoadGenerator:
    """One run against the API at `url`, as a shopping cart and, to deliver, as a courier. `stop` ends it early."""

    def __init__(self, url: str, *, cart_token: str, courier_token: str) -> None:
        self._url = url
        self._cart_token = cart_token
        self._courier_token = courier_token
        self._stopped = asyncio.Event()
        self._ends_at_s = 0.0
        self.result = Result(time.monotonic())

    def stop(self) -> None:
        self._stopped.set()

    async def run(self, *, per_second: int, seconds: float, deliver: bool) -> Result:
        """Raises NotAccepted if the API refuses the catalogue."""
        async with _client(self._url, self._cart_token) as cart, _client(self._url, self._courier_token) as courier:
            await _fill_warehouse(cart)
            self.result = Result(time.monotonic())
            self._ends_at_s = time.monotonic() + seconds
            async with asyncio.TaskGroup() as tasks:
                tasks.create_task(self._place_orders(cart, per_second))
                if deliver:
                    tasks.create_task(self._deliver_shipments(courier))
        return self.result

    async def _place_orders(self, cart: httpx.AsyncClient, per_second: int) -> None:
        """One after the other, never above the rate; below it if the API takes longer."""
        run, number = secrets.token_hex(4), 0
        next_at_s = time.monotonic()
        while not self._is_over():
            number += 1
            order = {
                "reference": f"load-{run}-{number}",
                "customerReference": f"load-{secrets.randbelow(_CUSTOMERS) + 1}",
                "lines": [{"sku": secrets.choice(_SKUS), "quantity": secrets.randbelow(3) + 1}],
            }
            await self._try(lambda order=order: self._place(cart, order))  # type: ignore[misc]
            next_at_s = max(next_at_s + 1 / per_second, time.monotonic())
            await self._pause(next_at_s - time.monotonic())

    async def _place(self, cart: httpx.AsyncClient, order: dict[str, Any]) -> None:
        await _mutate(cart, _PLACE, {"input": order})
        self.result.placed += 1

    async def _deliver_shipments(self, courier: httpx.AsyncClient) -> None:
        while not self._is_over():
            await self._try(lambda: self._deliver_all(courier))
            await self._pause(DELIVER_EVERY_S)

    async def _deliver_all(self, courier: httpx.AsyncClient) -> None:
        """Dispatches and delivers what leaves the generator's own warehouse."""
        data = await _execute(courier, _SHIPMENTS, {"warehouse": _WAREHOUSE})
        for shipment in data["shipments"]["nodes"]:
            if self._is_over():
                return
            if shipment["viewerCanDispatch"]:
                await _mutate(courier, _DISPATCH, {"id": shipment["id"]})
            await _mutate(courier, _DELIVER, {"id": shipment["id"]})
            self.result.delivered += 1

    async def _try(self, act: Callable[[], Awaitable[None]]) -> None:
        """Counts a refusal and goes on; waits during an outage."""
        try:
            await act()
        except NotAccepted as problem:
            self.result.refused += 1
            self.result.last_problem = str(problem)
            if problem.is_outage:
                await self._pause(_OUTAGE_PAUSE_S)

    def _is_over(self) -> bool:
        return self._stopped.is_set() or time.monotonic() >= self._ends_at_s

    async def _pause(self, seconds: float) -> None:
        """Until the time has passed, or the run is stopped."""
        with suppress(TimeoutError):
            async with asyncio.timeout(max(seconds, 0)):
                await self._stopped.wait()


def _client(url: str, token: str) -> httpx.AsyncClient:
    headers = {"Authorization": f"Bearer {token}", "Accept": "application/json"}
    return httpx.AsyncClient(base_url=url, headers=headers, timeout=_REQUEST_TIMEOUT_S)


async def _fill_warehouse(cart: httpx.AsyncClient) -> None:
    warehouse = {"code": _WAREHOUSE, "name": "Load generator"}
    products = [{"sku": sku, "name": f"Load generator, article {sku[-1]}", "unitPrice": 1_000} for sku in _SKUS]
    stock = [{"sku": sku, "warehouseCode": _WAREHOUSE, "onHand": _UNITS} for sku in _SKUS]
    await _mutate(cart, _UPSERT_WAREHOUSES, {"inputs": [warehouse]})
    await _mutate(cart, _UPSERT_PRODUCTS, {"inputs": products})
    await _mutate(cart, _SET_STOCK, {"inputs": stock})


async def _mutate(client: httpx.AsyncClient, mutation: str, variables: dict[str, Any]) -> None:
    """Raises NotAccepted."""
    data = await _execute(client, mutation % _USER_ERRORS, variables)
    (payload,) = data.values()
    if payload["userErrors"]:
        raise NotAccepted(payload["userErrors"][0]["message"])


async def _execute(client: httpx.AsyncClient, document: str, variables: dict[str, Any]) -> dict[str, Any]:
    """The data. Raises NotAccepted."""
    try:
        response = await client.post("/graphql", json={"query": document, "variables": variables})
    except httpx.HTTPError as problem:
        raise NotAccepted(f"no response ({type(problem).__name__})", is_outage=True) from problem
    is_outage = response.status_code == 429 or response.status_code >= 500
    try:
        content = response.json()
    except ValueError as problem:
        raise NotAccepted(f"HTTP {response.status_code}", is_outage=is_outage) from problem
    if errors := content.get("errors"):
        raise NotAccepted(errors[0]["message"], is_outage=is_outage)
    data: dict[str, Any] = content["data"]
    return data
