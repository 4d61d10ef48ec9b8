"""An acknowledged order is processed, even if everything is killed while orders are placed."""

import asyncio
from collections.abc import Callable

import httpx
import psutil
import pytest

from tests.platform.conftest import Environment, Instance, oms

PLACE = "mutation ($input: PlaceOrderInput!) { placeOrder(input: $input) { order { id } userErrors { message } } }"
STATUS = "query ($reference: String!) { order(reference: $reference) { status shipments { status } } }"
KILL_AFTER = 60
PLACERS = 6
SOON = {"OMS_WORK_LEASE_S": "5", "OMS_PROVIDER_TIMEOUT_S": "2"}
"""After this time, other workers take over the work of killed ones."""


class Cart:
    """Places orders over HTTP until the server is gone; knows which were acknowledged."""

    def __init__(self, environment: Environment) -> None:
        token = oms(environment, "token", "--role", "SERVICE", "--name", "cart").stdout.strip()
        self.headers = {"Authorization": f"Bearer {token}"}
        self.acknowledged: list[str] = []
        self.refused: list[object] = []

    async def place(self, url: str, placer: int, enough: asyncio.Event) -> None:
        async with httpx.AsyncClient(headers=self.headers, timeout=10) as client:
            number = 0
            while True:
                number += 1
                reference = f"{placer}-{number}"
                lines = [{"sku": "COFFEE-1KG", "quantity": 1}]
                order = {"reference": reference, "customerReference": f"customer-{placer}", "lines": lines}
                request = {"query": PLACE, "variables": {"input": order}}
                try:
                    answer = (await client.post(f"{url}/graphql", json=request)).json()
                except httpx.HTTPError:
                    return
                if answer.get("data", {}).get("placeOrder", {}).get("order"):
                    self.acknowledged.append(reference)
                else:
                    self.refused.append(answer)
                if len(self.acknowledged) >= KILL_AFTER:
                    enough.set()

    async def statuses(self, url: str) -> set[str]:
        """Statuses of the shipments of all acknowledged orders; LOST for an order that is not there."""
        found: set[str] = set()
        async with httpx.AsyncClient(headers=self.headers, timeout=10) as client:
            for reference in self.acknowledged:
                request = {"query": STATUS, "variables": {"reference": reference}}
                order = (await client.post(f"{url}/graphql", json=request)).json()["data"]["order"]
                shipments = [shipment["status"] for shipment in order["shipments"]] if order else ["LOST"]
                found |= set(shipments or ["NONE YET"])
        return found


@pytest.mark.trial
async def test_no_acknowledged_order_is_lost_when_everything_is_killed(
    start: Callable[..., Instance], environment: Environment
) -> None:
    killed = start(**SOON)
    await asyncio.to_thread(killed.wait_until_ready)
    cart, enough = Cart(environment), asyncio.Event()
    placing = [asyncio.create_task(cart.place(killed.url, placer, enough)) for placer in range(PLACERS)]
    await asyncio.wait_for(enough.wait(), 60)
    for process in [psutil.Process(killed.process.pid), *killed.tree()]:
        if process.is_running():
            process.kill()
    killed.process.wait()
    await asyncio.gather(*placing)

    again = start(**SOON)
    await asyncio.to_thread(again.wait_until_ready)
    statuses: set[str] = set()
    for _ in range(60):
        statuses = await cart.statuses(again.url)
        if statuses == {"BOOKED"}:
            break
        await asyncio.sleep(1)
    assert statuses == {"BOOKED"}, f"of {len(cart.acknowledged)} acknowledged orders"
    checked = await asyncio.to_thread(oms, environment, "check")
    assert checked.returncode == 0, checked.stdout
