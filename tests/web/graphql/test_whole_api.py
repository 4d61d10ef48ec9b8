"""The application as `python -m oms web` serves it: real schema, real log, real notifications."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import httpx
import orjson
import pytest
from sqlalchemy import text
from starlette.applications import Starlette
from websockets.asyncio.client import ClientConnection, connect
from websockets.typing import Subprotocol

from oms.domain.tokens.commands import issue_token
from oms.domain.vocabulary.actor import Role
from oms.platform.notifications import Notifier
from oms.platform.settings import Settings
from oms.schema.schema import schema
from oms.tools.serve import create_app
from oms.web.live import hub
from tests.shop import ShopUnderTest, open_shop
from tests.web.conftest import Server, serving

PLACE = """
mutation($input: PlaceOrderInput!) {
  placeOrder(input: $input) { order { id reference status } userErrors { code message } }
}
"""
ORDER = "subscription($id: ID!) { orderUpdated(orderId: $id) { status shipments { id status } } }"
EVENTS = "subscription($id: ID!, $after: String) { orderEvents(orderId: $id, after: $after) { cursor type } }"
SHIPMENTS = "subscription { shipmentUpdated(filter: {status: [BOOKED, DISPATCHED]}) { id status } }"


@pytest.fixture
async def shop(database_url: str, redis_url: str, tmp_path: Path) -> AsyncIterator[ShopUnderTest]:
    """Works as a worker does: its commits ring."""
    async with open_shop(database_url, tmp_path) as shop:
        notifier = Notifier(redis_url)
        shop.db._notify = notifier.notify
        await shop.stock_up({"pen": {"east": 5}})
        yield shop
        await notifier.close()


@pytest.fixture
def whole(web_settings: Settings, monkeypatch: pytest.MonkeyPatch) -> Any:
    """Changes are told by notifications alone: the timer that makes up for lost ones would take an hour."""
    monkeypatch.setattr(hub, "REREAD_EVERY_S", 3600.0)
    with serving(web_settings, schema) as server:
        yield server


async def _token(shop: ShopUnderTest, role: Role) -> str:
    async with shop.db.transaction() as tx:
        return await issue_token(tx, role=role, name=role.lower(), customer_reference=None, days=1)


@asynccontextmanager
async def _calling(server: Server, shop: ShopUnderTest, role: Role) -> AsyncIterator[httpx.AsyncClient]:
    headers = {"Authorization": f"Bearer {await _token(shop, role)}"}
    async with httpx.AsyncClient(base_url=server.url, headers=headers, timeout=20) as client:
        yield client


async def _ask(client: httpx.AsyncClient, query: str, key: str | None = None, **variables: Any) -> Any:
    headers = {"Idempotency-Key": key} if key else {}
    response = await client.post("/graphql", json={"query": query, "variables": variables}, headers=headers)
    body = response.json()
    assert response.status_code == 200, body
    assert "errors" not in body, body
    return body["data"]


class _Watch:
    """One subscription over a WebSocket of its own."""

    def __init__(self, socket: ClientConnection) -> None:
        self._socket = socket

    async def next(self, *, within_s: float = 5) -> Any:
        """The next value, or None once it is complete."""
        message = orjson.loads(await asyncio.wait_for(self._socket.recv(), within_s))
        if message["type"] == "complete":
            return None
        assert message["type"] == "next", message
        [value] = message["payload"]["data"].values()
        return value


@asynccontextmanager
async def _watching(
    server: Server, shop: ShopUnderTest, role: Role, query: str, **variables: Any
) -> AsyncIterator[_Watch]:
    authorization = f"Bearer {await _token(shop, role)}"
    async with connect(server.websocket, subprotocols=[Subprotocol("graphql-transport-ws")]) as socket:
        await socket.send(
            orjson.dumps({"type": "connection_init", "payload": {"authorization": authorization}}).decode()
        )
        assert orjson.loads(await socket.recv())["type"] == "connection_ack"
        payload = {"query": query, "variables": variables}
        await socket.send(orjson.dumps({"type": "subscribe", "id": "1", "payload": payload}).decode())
        yield _Watch(socket)


async def _place(server: Server, shop: ShopUnderTest, reference: str) -> str:
    order = {"reference": reference, "customerReference": "ana", "lines": [{"sku": "pen", "quantity": 1}]}
    async with _calling(server, shop, Role.SERVICE) as cart:
        first = await _ask(cart, PLACE, key=f"key-{reference}", input=order)
        again = await _ask(cart, PLACE, key=f"key-{reference}", input=order)
    assert first["placeOrder"]["userErrors"] == []
    assert first["placeOrder"]["order"]["id"] == again["placeOrder"]["order"]["id"]
    return str(first["placeOrder"]["order"]["id"])


async def test_an_order_goes_its_way_before_the_eyes_of_those_who_watch(whole: Server, shop: ShopUnderTest) -> None:
    order_id = await _place(whole, shop, "watched")
    async with (
        _watching(whole, shop, Role.SUPPORT, ORDER, id=order_id) as support,
        _watching(whole, shop, Role.COURIER, SHIPMENTS) as courier,
        _calling(whole, shop, Role.COURIER) as dispatcher,
    ):
        assert (await support.next())["status"] == "PENDING"
        await asyncio.sleep(0.1)  # the courier's subscription is under way, too
        await shop.run()
        shipment = await courier.next()
        assert shipment["status"] == "BOOKED"
        while (seen := await support.next())["shipments"] != [shipment]:
            assert seen["status"] in ("PENDING", "PROCESSING")

        dispatch = "mutation($id: ID!) { dispatchShipment(shipmentId: $id) { userErrors { code } } }"
        assert await _ask(dispatcher, dispatch, id=shipment["id"]) == {"dispatchShipment": {"userErrors": []}}
        while (await support.next())["shipments"][0]["status"] != "DISPATCHED":
            pass
        while (await courier.next())["status"] != "DISPATCHED":
            pass

        deliver = "mutation($id: ID!) { deliverShipment(shipmentId: $id) { userErrors { code } } }"
        await _ask(dispatcher, deliver, id=shipment["id"])
        last = seen
        while (seen := await support.next()) is not None:
            last = seen
        assert last["status"] == "COMPLETED"


async def test_events_are_resumed_after_a_cursor(whole: Server, shop: ShopUnderTest) -> None:
    order_id = await _place(whole, shop, "resumed")
    await shop.run()
    trail = [kind for (kind,) in await shop.rows("SELECT type FROM order_events ORDER BY seq")]
    async with _watching(whole, shop, Role.SUPPORT, EVENTS, id=order_id) as events:
        first = [await events.next() for _ in range(3)]
    async with _watching(whole, shop, Role.SUPPORT, EVENTS, id=order_id, after=first[-1]["cursor"]) as events:
        rest = [await events.next() for _ in range(len(trail) - 3)]
    assert [event["type"] for event in first + rest] == trail


async def test_another_customers_order_is_not_watched(whole: Server, shop: ShopUnderTest) -> None:
    order_id = await _place(whole, shop, "private")
    async with shop.db.transaction() as tx:
        token = await issue_token(tx, role=Role.CUSTOMER, name="bo", customer_reference="bo", days=1)
    headers = {"Authorization": f"Bearer {token}", "Accept": "text/event-stream"}
    async with httpx.AsyncClient(base_url=whole.url, headers=headers) as client:
        for query in (ORDER, EVENTS):
            response = await client.post("/graphql", json={"query": query, "variables": {"id": order_id}})
            assert '"code":"NOT_FOUND"' in response.text
            assert '"data":{"order' not in response.text


async def test_bad_input_of_a_query_keeps_its_code(whole: Server, shop: ShopUnderTest) -> None:
    async with _calling(whole, shop, Role.COURIER) as client:
        response = await client.post("/graphql", json={"query": "{ orders { nodes { id } } }"})
        assert response.status_code == 200
        assert response.json()["errors"][0]["extensions"]["code"] == "FORBIDDEN"
        response = await client.post("/graphql", json={"query": "{ shipments(first: 0) { nodes { id } } }"})
        assert response.json()["errors"][0]["extensions"]["code"] == "INVALID"


async def test_a_key_is_refused_with_another_body(whole: Server, shop: ShopUnderTest) -> None:
    order = {"reference": "keyed", "customerReference": "ana", "lines": [{"sku": "pen", "quantity": 1}]}
    async with _calling(whole, shop, Role.SERVICE) as cart:
        await _ask(cart, PLACE, key="key-keyed", input=order)
        request = {"query": PLACE, "variables": {"input": order | {"reference": "other"}}}
        response = await cart.post("/graphql", json=request, headers={"Idempotency-Key": "key-keyed"})
    assert response.status_code == 422
    assert response.json()["errors"][0]["extensions"]["code"] == "DUPLICATE"
    assert await shop.rows("SELECT count(*) FROM orders") == [(1,)]


async def test_while_the_key_is_in_use_a_repeat_is_refused(whole: Server, shop: ShopUnderTest) -> None:
    order = {"reference": "slow", "customerReference": "ana", "lines": [{"sku": "pen", "quantity": 1}]}
    async with _calling(whole, shop, Role.SERVICE) as cart, shop.db.transaction() as holder:
        await holder.conn.execute(text("LOCK TABLE orders IN EXCLUSIVE MODE"))
        first = asyncio.create_task(_ask(cart, PLACE, key="slow", input=order))
        await asyncio.sleep(0.5)
        request = {"query": PLACE, "variables": {"input": order}}
        response = await cart.post("/graphql", json=request, headers={"Idempotency-Key": "slow"})
        assert response.status_code == 409
        assert response.json()["errors"][0]["extensions"]["code"] == "CONFLICT"
        await holder.conn.rollback()
        assert (await first)["placeOrder"]["order"]["reference"] == "slow"


def test_the_factory_reads_the_environment(monkeypatch: pytest.MonkeyPatch, database_url: str, redis_url: str) -> None:
    monkeypatch.setenv("OMS_DATABASE_URL", database_url)
    monkeypatch.setenv("OMS_REDIS_URL", redis_url)
    assert isinstance(create_app(), Starlette)
