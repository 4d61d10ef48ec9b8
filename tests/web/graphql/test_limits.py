"""The limits of an operation apply over every transport, and each reports refusals in its own form."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from typing import Any

import httpx
import orjson
import pytest
from websockets.asyncio.client import ClientConnection, connect
from websockets.typing import Subprotocol

from oms.platform.settings import Settings
from oms.schema.schema import schema
from tests.web.conftest import Server, serving

TOO_DEAR = "{ orders(first: 100) { nodes { customer { orders(first: 100) { nodes { lines { sku } } } } } } }"
MANY_ALIASES = "{" + " ".join(f"a{n}: __typename" for n in range(101)) + "}"
REFUSED = {
    "too dear": (TOO_DEAR, "is the most for one operation"),
    "ten thousand aliases": ("{" + " ".join(f"a{n}: __typename" for n in range(10_000)) + "}", "characters"),
    "too many aliases": (MANY_ALIASES, "101 aliases"),
}


@pytest.fixture(scope="module")
def whole(web_settings: Settings) -> Iterator[Server]:
    with serving(web_settings, schema) as server:
        yield server


@pytest.fixture
async def asking(whole: Server, token: str) -> AsyncIterator[httpx.AsyncClient]:
    headers = {"Authorization": f"Bearer {token}"}
    async with httpx.AsyncClient(base_url=whole.url, headers=headers, timeout=20) as client:
        yield client


@asynccontextmanager
async def _greeted(whole: Server, token: str) -> AsyncIterator[ClientConnection]:
    async with connect(whole.websocket, subprotocols=[Subprotocol("graphql-transport-ws")]) as socket:
        greeting = {"type": "connection_init", "payload": {"authorization": f"Bearer {token}"}}
        await socket.send(orjson.dumps(greeting).decode())
        assert orjson.loads(await socket.recv()) == {"type": "connection_ack"}
        yield socket


async def _told(socket: ClientConnection, document: str) -> dict[str, Any]:
    message = {"type": "subscribe", "id": "1", "payload": {"query": document}}
    await socket.send(orjson.dumps(message).decode())
    told: dict[str, Any] = orjson.loads(await asyncio.wait_for(socket.recv(), 10))
    return told


@pytest.mark.parametrize(("document", "why"), REFUSED.values(), ids=REFUSED.keys())
async def test_over_http(asking: httpx.AsyncClient, document: str, why: str) -> None:
    body = (await asking.post("/graphql", json={"query": document})).json()
    assert "data" not in body
    assert why in body["errors"][0]["message"]
    assert body["errors"][0]["extensions"] == {"code": "INVALID"}


@pytest.mark.parametrize(("document", "why"), REFUSED.values(), ids=REFUSED.keys())
async def test_over_a_websocket(whole: Server, token: str, document: str, why: str) -> None:
    async with _greeted(whole, token) as socket:
        told = await _told(socket, document)
        assert (told["type"], told["id"]) == ("error", "1")
        assert why in told["payload"][0]["message"]
        assert (await _told(socket, "{ viewer { name } }"))["type"] == "next"


@pytest.mark.parametrize(("document", "why"), REFUSED.values(), ids=REFUSED.keys())
async def test_over_server_sent_events(asking: httpx.AsyncClient, document: str, why: str) -> None:
    answer = await asking.post("/graphql", json={"query": document}, headers={"Accept": "text/event-stream"})
    events = answer.text.split("\n\n")
    [told] = [event for event in events if event.startswith("event: next")]
    assert why in told
    assert "event: complete\ndata:" in events


async def test_the_cost_is_reported_over_every_transport(asking: httpx.AsyncClient, whole: Server, token: str) -> None:
    document = "{ viewer { name } }"
    cost = {"cost": {"requested": 11, "maximum": 60_000}}
    assert (await asking.post("/graphql", json={"query": document})).json()["extensions"] == cost
    async with _greeted(whole, token) as socket:
        assert (await _told(socket, document))["payload"]["extensions"] == cost
    refusal = (await asking.post("/graphql", json={"query": TOO_DEAR})).json()
    assert refusal["extensions"]["cost"]["requested"] > refusal["extensions"]["cost"]["maximum"]


async def test_several_operations_in_one_request_are_refused(asking: httpx.AsyncClient) -> None:
    response = await asking.post("/graphql", json=[{"query": "{ __typename }"}])
    assert response.status_code == 400
