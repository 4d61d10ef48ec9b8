"""Other people, who use the API while somebody has a page open."""

import asyncio
import re
import time
from collections.abc import Mapping
from typing import Any, Final
from uuid import UUID

import asyncpg
import httpx

TIMEOUT_S: Final = 20.0

_PLACE: Final = """mutation ($input: PlaceOrderInput!) {
  placeOrder(input: $input) { order { id } userErrors { message } } }"""
_ORDER: Final = """query ($id: ID!) { order(id: $id) {
  id reference status customer { id } shipments { id status trackingNumber payment { status reason } } } }"""
_EVENTS: Final = "query ($id: ID!) { order(id: $id) { events(first: 100) { nodes { type } } } }"
_PARK: Final = """UPDATE work SET held = false, claim = NULL, leased_until = NULL, parked_at = now(), attempt = 12,
  last_error = 'The billing system does not answer.' WHERE subject_id = $1 AND held"""
_ADDRESS: Final = {"name": "Demo Customer", "line1": "1 Harbour Street", "city": "Springfield", "postalCode": "12345",
                   "country": "US"}  # fmt: skip


class Elsewhere:
    """Calls the API as any persona; one per instance. Errors raise AssertionError."""

    def __init__(self, url: str, database_url: str) -> None:
        self.url = url
        self._database_url = database_url.replace("+asyncpg", "")
        self._http = httpx.AsyncClient(base_url=url, timeout=TIMEOUT_S)
        self._sessions: dict[str, str] = {}
        self._placed = 0

    async def close(self) -> None:
        await self._http.aclose()

    async def session(self, persona: str) -> str:
        """The value of the persona's session cookie."""
        if persona not in self._sessions:
            own = re.search(r'name="form_token" value="([^"]+)"', (await self._http.get("/")).text)
            assert own
            fields = {"form_token": own[1], "persona": persona}
            answer = await self._http.post("/sign-in", data=fields, headers={"Origin": self.url})
            self._sessions[persona] = answer.cookies["oms_session"]
            self._http.cookies.clear()
        return self._sessions[persona]

    async def ask(self, persona: str, document: str, **variables: Any) -> Any:
        """The data of a document."""
        own = {"Cookie": f"oms_session={await self.session(persona)}", "Sec-Fetch-Site": "same-origin"}
        body = {"query": document, "variables": variables}
        answer = (await self._http.post("/graphql", json=body, headers=own)).json()
        assert "errors" not in answer, answer
        return answer["data"]

    async def act(self, persona: str, mutation: str) -> None:
        """Executes one mutation without variables, such as `setFraudMaintenance(enabled: true)`."""
        data = await self.ask(persona, f"mutation {{ {mutation} {{ userErrors {{ message }} }} }}")
        (payload,) = data.values()
        assert payload["userErrors"] == []

    async def place(self, lines: Mapping[str, int], **fields: Any) -> str:
        """The id of a new order of the demo customer."""
        self._placed += 1
        pairs = [{"sku": sku, "quantity": quantity} for sku, quantity in lines.items()]
        reference = fields.pop("reference", f"A-{1000 + self._placed}")
        order = {"reference": reference, "lines": pairs, "shippingAddress": _ADDRESS} | fields
        payload = (await self.ask("customer", _PLACE, input=order))["placeOrder"]
        assert payload["userErrors"] == []
        return str(payload["order"]["id"])

    async def order(self, order_id: str) -> Any:
        return (await self.ask("support", _ORDER, id=order_id))["order"]

    async def events(self, order_id: str, kind: str) -> int:
        """The number of events of that type in the order's timeline."""
        data = await self.ask("support", _EVENTS, id=order_id)
        return [event["type"] for event in data["order"]["events"]["nodes"]].count(kind)

    async def until(self, order_id: str, status: str, *, shipments: str | None = None) -> Any:
        """The order, as soon as it and all its shipments have these statuses."""
        deadline_s = time.monotonic() + TIMEOUT_S
        while True:
            order = await self.order(order_id)
            there = {shipment["status"] for shipment in order["shipments"]}
            if order["status"] == status and (shipments is None or there == {shipments}):
                return order
            assert time.monotonic() < deadline_s, order
            await asyncio.sleep(0.05)

    async def booked(self, lines: Mapping[str, int], **fields: Any) -> Any:
        """A new order whose shipments are booked."""
        return await self.until(await self.place(lines, **fields), "PROCESSING", shipments="BOOKED")

    async def dispatch(self, shipment_id: str) -> None:
        await self.act("courier", f'dispatchShipment(shipmentId: "{shipment_id}")')

    async def deliver(self, shipment_id: str) -> None:
        await self.act("courier", f'deliverShipment(shipmentId: "{shipment_id}")')

    async def set_stock(self, sku: str, warehouse: str, on_hand: int) -> None:
        level = f'{{sku: "{sku}", warehouseCode: "{warehouse}", onHand: {on_hand}}}'
        await self.act("manager", f"setStock(inputs: [{level}])")

    async def parked(self, lines: Mapping[str, int]) -> Any:
        """A new order whose charge has failed so often that it is a stuck job."""
        await self.act("manager", "setFraudMaintenance(enabled: true)")
        order_id = await self.place(lines)
        await self.until(order_id, "PROCESSING", shipments="PENDING")
        connection = await asyncpg.connect(self._database_url)
        while await connection.execute(_PARK, UUID(order_id.removeprefix("ord_"))) == "UPDATE 0":  # noqa: ASYNC110
            await asyncio.sleep(0.05)
        await connection.close()
        await self.act("manager", "setFraudMaintenance(enabled: false)")
        return await self.order(order_id)
