"""graphql-transport-ws: close codes, the life of operations, slow clients, and a stopping server."""

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from typing import Any

import httpx
import orjson
import pytest
from sqlalchemy import text
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, InvalidStatus
from websockets.typing import Subprotocol

from oms.platform.db import Database
from oms.platform.settings import Settings
from oms.web.auth import authenticator as auth
from oms.web.errors.codes import Close
from oms.web.graphql import websocket as graphql_ws
from oms.web.graphql import websocket_protocol
from oms.web.graphql.request import MAX_REQUEST_BYTES
from oms.web.server.connections.websocket import MAX_EARLY_BYTES
from tests.web.conftest import Server, issued, serving, subscribers, until, until_subscribed_by
from tests.web.server.connections.test_http import opened
from tests.web.server.connections.test_malformed import HANDSHAKE

SUBPROTOCOL = Subprotocol("graphql-transport-ws")


async def _send(socket: ClientConnection, **message: Any) -> None:
    await socket.send(orjson.dumps(message).decode())


async def _receive(socket: ClientConnection) -> dict[str, Any]:
    message: dict[str, Any] = orjson.loads(await asyncio.wait_for(socket.recv(), 10))
    return message


async def _closed(socket: ClientConnection) -> int:
    """The server's close code, after skipping messages."""
    with suppress(ConnectionClosed):
        async with asyncio.timeout(10):
            async for _ in socket:
                pass
    assert socket.close_code
    return socket.close_code


@asynccontextmanager
async def _opened(server: Server, **options: Any) -> AsyncIterator[ClientConnection]:
    async with connect(server.websocket, **({"subprotocols": [SUBPROTOCOL]} | options)) as socket:
        yield socket


@asynccontextmanager
async def _greeted(server: Server, token: str, **options: Any) -> AsyncIterator[ClientConnection]:
    async with _opened(server, **options) as socket:
        await _send(socket, type="connection_init", payload={"authorization": f"Bearer {token}"})
        assert await _receive(socket) == {"type": "connection_ack"}
        yield socket


async def _subscribe(socket: ClientConnection, key: str, query: str, **request: Any) -> None:
    await _send(socket, type="subscribe", id=key, payload={"query": query} | request)


async def test_messages_are_not_compressed_whatever_the_client_offers(server: Server) -> None:
    async with _opened(server, compression="deflate") as socket:
        assert socket.request
        assert "permessage-deflate" in socket.request.headers["Sec-WebSocket-Extensions"]
        assert socket.response
        assert "Sec-WebSocket-Extensions" not in socket.response.headers


async def test_a_subscription_yields_its_values_and_completes(server: Server, token: str) -> None:
    async with _greeted(server, token) as socket:
        await _subscribe(socket, "1", "subscription($to: Int!) { count(to: $to) }", variables={"to": 2})
        assert await _receive(socket) == {"type": "next", "id": "1", "payload": {"data": {"count": 0}}}
        assert await _receive(socket) == {"type": "next", "id": "1", "payload": {"data": {"count": 1}}}
        assert await _receive(socket) == {"type": "complete", "id": "1"}


@pytest.mark.parametrize("document", ['{ echo(text: "a") }', 'mutation { echo: act(note: "a") }'])
async def test_queries_and_mutations_are_supported(server: Server, token: str, document: str) -> None:
    async with _greeted(server, token) as socket:
        await _subscribe(socket, "1", document)
        message = await _receive(socket)
        assert message["type"] == "next"
        assert message["payload"]["data"]["echo"].startswith("a")
        assert (await _receive(socket))["type"] == "complete"


@pytest.mark.parametrize(
    "document",
    [
        "{",
        "{ nothing }",
        "query A { viewer } query B { viewer }",
        "fragment F on Query { viewer }",
        "query($t: Int!) {",
    ],
)
async def test_a_document_that_cannot_be_executed_is_an_error_of_that_operation(
    server: Server, token: str, document: str
) -> None:
    async with _greeted(server, token) as socket:
        await _subscribe(socket, "1", document)
        message = await _receive(socket)
        assert (message["type"], message["id"]) == ("error", "1")
        assert message["payload"][0]["extensions"]["code"] == "INVALID"
        await _subscribe(socket, "1", "{ viewer }")  # the id is free again
        assert (await _receive(socket))["payload"] == {"data": {"viewer": "tester SUPPORT"}}


async def test_a_bug_in_a_subscription_is_masked(server: Server, token: str) -> None:
    async with _greeted(server, token) as socket:
        await _subscribe(socket, "1", "subscription { bug }")
        assert (await _receive(socket))["payload"] == {"data": {"bug": 1}}
        message = await _receive(socket)
        assert "secret" not in str(message)
        assert message["type"] == "error"
        assert message["payload"][0]["extensions"]["code"] == "INTERNAL"


async def test_ping_gets_a_pong_before_and_after_the_init(server: Server, token: str) -> None:
    async with _opened(server) as socket:
        await _send(socket, type="ping", payload={"at": 1})
        assert await _receive(socket) == {"type": "pong", "payload": {"at": 1}}
        await _send(socket, type="pong")
        await _send(socket, type="connection_init", payload={"Authorization": f"Bearer {token}"})
        assert (await _receive(socket))["type"] == "connection_ack"
        await _send(socket, type="ping")
        assert await _receive(socket) == {"type": "pong"}


@pytest.mark.parametrize("payload", [None, {}, {"authorization": ""}])
async def test_no_credentials_close_with_4401(server: Server, payload: dict[str, Any] | None) -> None:
    async with _opened(server) as socket:
        await _send(socket, type="connection_init", **({} if payload is None else {"payload": payload}))
        assert await _closed(socket) == 4401


async def test_invalid_credentials_close_with_4403(server: Server) -> None:
    async with _opened(server) as socket:
        await _send(socket, type="connection_init", payload={"authorization": "Bearer nobodys"})
        assert await _closed(socket) == 4403


async def test_an_operation_before_the_init_closes_with_4401(server: Server) -> None:
    async with _opened(server) as socket:
        await _subscribe(socket, "1", "{ viewer }")
        assert await _closed(socket) == 4401


@pytest.mark.parametrize(
    "message",
    [
        "no JSON",
        "[]",
        "{}",
        '{"type": "start"}',
        '{"type": "connection_ack"}',
        '{"type": "next", "id": "1", "payload": {}}',
        '{"type": "error", "id": "1", "payload": []}',
        '{"type": 1}',
        '{"type": "ping"',
        '{"type": "subscribe", "payload": {"query": "{ viewer }"}}',
        '{"type": "subscribe", "id": "", "payload": {"query": "{ viewer }"}}',
        '{"type": "subscribe", "id": 1, "payload": {"query": "{ viewer }"}}',
        '{"type": "subscribe", "id": "1"}',
        '{"type": "subscribe", "id": "1", "payload": {}}',
        '{"type": "subscribe", "id": "1", "payload": {"query": "{ viewer }", "variables": []}}',
        '{"type": "complete"}',
        b'{"type": "ping"}',
    ],
)
async def test_a_malformed_message_closes_with_4400(server: Server, token: str, message: str | bytes) -> None:
    async with _greeted(server, token) as socket:
        await socket.send(message)
        assert await _closed(socket) == 4400


@pytest.mark.parametrize("payload", [[], "Bearer x", {"authorization": 1}])
async def test_a_malformed_init_closes_with_4400(server: Server, payload: Any) -> None:
    async with _opened(server) as socket:
        await _send(socket, type="connection_init", payload=payload)
        assert await _closed(socket) == 4400


@pytest.mark.parametrize("message", ["{", "[]", '{"type": "next"}', b"{}"])
async def test_a_malformed_message_before_the_init_closes_with_4400(server: Server, message: str | bytes) -> None:
    async with _opened(server) as socket:
        await socket.send(message)
        assert await _closed(socket) == 4400


async def test_completing_an_unknown_operation_is_no_error(server: Server, token: str) -> None:
    async with _greeted(server, token) as socket:
        await _send(socket, type="complete", id="nobody's")
        await _subscribe(socket, "1", "{ viewer }")
        assert (await _receive(socket))["type"] == "next"
        assert (await _receive(socket)) == {"type": "complete", "id": "1"}
        await _send(socket, type="complete", id="1")
        await _subscribe(socket, "1", "{ viewer }")  # the id may be used again
        assert (await _receive(socket))["type"] == "next"


async def test_a_completed_operation_sends_nothing_more(server: Server, token: str) -> None:
    async with _greeted(server, token) as socket:
        await _subscribe(socket, "1", "subscription { pages(length: 1) }")
        assert (await _receive(socket))["id"] == "1"
        await _send(socket, type="complete", id="1")
        await _send(socket, type="ping")
        while (message := await _receive(socket))["type"] != "pong":
            assert message["type"] == "next"  # sent before the server read of it
        await _subscribe(socket, "2", "{ viewer }")
        assert (await _receive(socket))["id"] == "2"


async def test_operations_run_concurrently_with_separate_ids(server: Server, token: str) -> None:
    async with _greeted(server, token) as socket:
        await _subscribe(socket, "slow", 'mutation { act(note: "slow", seconds: 0.5) }')
        await _subscribe(socket, "fast", "{ viewer }")
        assert [(await _receive(socket))["id"] for _ in range(4)] == ["fast", "fast", "slow", "slow"]


async def test_a_ping_s_payload_is_returned_and_a_pong_s_ignored(server: Server, token: str) -> None:
    async with _greeted(server, token) as socket:
        await _send(socket, type="pong", payload={"unasked": True})
        await _send(socket, type="ping", payload={"a": {"b": 1}})
        assert await _receive(socket) == {"type": "pong", "payload": {"a": {"b": 1}}}


async def test_a_missing_init_closes_with_4408(server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(graphql_ws, "INIT_TIMEOUT_S", 0.2)
    async with _opened(server) as socket:
        assert await _closed(socket) == 4408


async def test_a_second_init_closes_with_4429(server: Server, token: str) -> None:
    async with _greeted(server, token) as socket:
        await _send(socket, type="connection_init", payload={"authorization": f"Bearer {token}"})
        assert await _closed(socket) == 4429


async def test_an_id_in_use_closes_with_4409(server: Server, token: str) -> None:
    async with _greeted(server, token) as socket:
        await _subscribe(socket, "1", "subscription { shipments }")
        await _subscribe(socket, "1", "subscription { shipments }")
        assert await _closed(socket) == 4409


@pytest.mark.parametrize("subprotocols", [None, [Subprotocol("graphql-ws")]])
async def test_another_subprotocol_closes_with_4406(server: Server, subprotocols: list[Subprotocol] | None) -> None:
    async with connect(server.websocket, subprotocols=subprotocols) as socket:
        assert await _closed(socket) == 4406


async def test_a_message_that_is_too_long_closes_with_1009(
    server: Server, token: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(websocket_protocol, "MAX_REQUEST_BYTES", 1000)
    async with _greeted(server, token) as socket:
        await _subscribe(socket, "1", f'{{ echo(text: "{"x" * 1000}") }}')
        assert await _closed(socket) == 1009


async def test_a_frame_above_the_limit_is_not_read(server: Server, token: str) -> None:
    async with _greeted(server, token, max_size=None) as socket:
        with suppress(ConnectionClosed):  # by its first bytes the frame says how long it is
            await socket.send("x" * (MAX_REQUEST_BYTES + 1))
        assert await _closed(socket) == 1009


async def test_messages_are_short_until_the_client_is_authenticated(server: Server, token: str) -> None:
    long = {"long": "x" * MAX_EARLY_BYTES}
    async with _opened(server) as socket:
        await _send(socket, type="ping", payload=long)
        assert await _closed(socket) == 1009
    async with _greeted(server, token) as socket:
        await _send(socket, type="ping", payload=long)
        assert await _receive(socket) == {"type": "pong", "payload": long}


async def test_a_long_message_is_not_read_until_the_client_is_authenticated(server: Server) -> None:
    """By its first bytes the frame says how long it is."""
    async with opened(server) as (reader, writer):
        writer.write(HANDSHAKE + b"\r\n")
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"\x81\xff" + (MAX_REQUEST_BYTES - 1).to_bytes(8, "big") + bytes(4))
        assert (await reader.read(4))[2:] == (1009).to_bytes(2, "big")


@pytest.mark.parametrize("origin", ["https://elsewhere.example", "http://127.0.0.1:1", "null", "http://localhost"])
async def test_a_page_of_another_origin_is_refused_before_the_upgrade(server: Server, origin: str) -> None:
    with pytest.raises(InvalidStatus) as refusal:
        async with _opened(server, origin=origin):
            pass
    assert refusal.value.response.status_code == 403


async def test_the_same_host_without_tls_is_another_origin(server: Server) -> None:
    origin = server.url.replace("http:", "https:")
    with pytest.raises(InvalidStatus) as refusal:
        async with _opened(server, origin=origin):
            pass
    assert refusal.value.response.status_code == 403


async def test_an_own_page_may_connect(server: Server, token: str) -> None:
    async with _greeted(server, token, origin=server.url) as socket:
        await _subscribe(socket, "1", "{ viewer }")
        assert (await _receive(socket))["type"] == "next"


async def test_a_completed_subscription_is_released(server: Server, token: str, client: httpx.AsyncClient) -> None:
    before = await subscribers(client)
    async with _greeted(server, token) as socket:
        await _subscribe(socket, "1", "subscription { shipments }")
        await until_subscribed_by(client, before + 1)
        await _send(socket, type="complete", id="1")
        await until_subscribed_by(client, before)
        await _subscribe(socket, "1", "{ viewer }")
        assert (await _receive(socket))["type"] == "next"


@pytest.mark.parametrize("politely", [True, False])
async def test_subscriptions_of_a_disconnected_client_are_released(
    server: Server, token: str, client: httpx.AsyncClient, politely: bool
) -> None:
    before = await subscribers(client)
    async with _greeted(server, token) as socket:
        for number in range(5):
            await _subscribe(socket, str(number), "subscription { shipments }")
        await until_subscribed_by(client, before + 5)
        if not politely:
            socket.transport.abort()
    await until_subscribed_by(client, before)


async def test_concurrent_operations_are_limited(server: Server, token: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(websocket_protocol, "MAX_OPERATIONS", 2)
    async with _greeted(server, token) as socket:
        for key in "123":
            await _subscribe(socket, key, "subscription { shipments }")
        message = await _receive(socket)
        assert (message["type"], message["id"]) == ("error", "3")
        assert message["payload"][0]["extensions"]["code"] == "RATE_LIMITED"
        await _send(socket, type="complete", id="1")
        await _subscribe(socket, "3", "{ viewer }")
        assert (await _receive(socket))["type"] == "next"


async def test_a_client_that_does_not_read_is_disconnected_and_costs_little(
    server: Server, token: str, client: httpx.AsyncClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The server buffers one result, not all that the source could yield."""
    monkeypatch.setattr(graphql_ws, "SEND_TIMEOUT_S", 0.5)
    before = len(server.app.state.streams)
    async with _greeted(server, token, max_queue=1, compression=None) as socket:
        await _subscribe(socket, "1", "subscription { pages(length: 100000) }")
        await until(lambda: len(server.app.state.streams) == before)
        socket.transport.abort()


async def test_results_of_one_connection_wait_for_each_other_and_not_in_the_socket_s_buffer(
    server: Server, token: str
) -> None:
    """When a slow client has read some, one of its twenty results is written, and not all that wait."""
    async with _greeted(server, token, max_queue=1, compression=None) as socket:
        for key in range(20):
            await _subscribe(socket, str(key), "subscription { pages(length: 100000) }")
        buffered = []
        for _ in range(60):
            await _receive(socket)
            await asyncio.sleep(0.005)
            buffered += [transport.get_write_buffer_size() for transport in list(server.app.state.unread._of)]
        assert 0 < max(buffered) < 500_000
        socket.transport.abort()


async def test_a_result_waits_behind_others_of_its_connection_no_longer_than_alone(
    server: Server, token: str, client: httpx.AsyncClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The client reads, but too slowly for all that it subscribed to."""
    monkeypatch.setattr(graphql_ws, "SEND_TIMEOUT_S", 1.0)
    async with _greeted(server, token, max_queue=1, compression=None) as socket:
        for key in range(20):
            await _subscribe(socket, str(key), "subscription { pages(length: 1000000) }")
        with suppress(ConnectionClosed):
            while True:
                await _receive(socket)
                await asyncio.sleep(0.2)
        assert socket.close_code == Close.TRY_AGAIN


async def test_a_revoked_token_ends_its_operations(
    server: Server, db: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(auth, "VALID_CACHE_S", 0.2)
    async with _greeted(server, await issued(db, "ends soon")) as socket:
        await _subscribe(socket, "1", "subscription { pages(length: 1) }")
        assert (await _receive(socket))["type"] == "next"
        async with db.transaction() as tx:
            await tx.conn.execute(
                text("UPDATE access_tokens SET revoked_at = clock_timestamp() WHERE name = 'ends soon'")
            )
        assert await _closed(socket) == 4403


async def test_a_stopping_server_closes_with_1001_at_once(web_settings: Settings, token: str) -> None:
    with serving(web_settings) as server:
        async with _greeted(server, token) as socket, _opened(server) as silent:
            await _subscribe(socket, "1", "subscription { shipments }")
            await asyncio.sleep(0.2)
            began_s = time.monotonic()
            stopping = asyncio.create_task(asyncio.to_thread(server.stop))
            assert await _closed(socket) == await _closed(silent) == 1001
            await stopping
            assert time.monotonic() - began_s < 10  # the server would wait for 25 s
