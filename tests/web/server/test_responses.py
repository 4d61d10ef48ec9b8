"""Responses are complete, in order and in the requested form."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
import uvicorn
from prometheus_client import CollectorRegistry
from starlette.types import ASGIApp, Receive, Scope, Send
from uvicorn.server import ServerState

from oms.web.server.connections.http import LimitedConnection
from oms.web.server.connections.malformed import MalformedRequests
from oms.web.server.connections.unread import UnreadAnswers
from tests.web.conftest import Server
from tests.web.server.connections.test_http import HEALTH, Streams, opened, rest


async def test_pipelined_requests_are_answered_in_order(server: Server) -> None:
    async with opened(server) as (reader, writer):
        writer.write((HEALTH + b"\r\n") * 3)
        for _ in range(3):
            assert (await reader.readuntil(b"}")).endswith(b'\r\n\r\n{"status":"alive"}')


async def test_a_head_request_gets_the_length_of_the_omitted_body(server: Server) -> None:
    async with opened(server) as (reader, writer):
        writer.write(b"HEAD /health HTTP/1.1\r\nHost: localhost\r\n\r\n" + HEALTH + b"Connection: close\r\n\r\n")
        head, _, later = (await rest(reader)).partition(b"\r\n\r\n")
        assert b"content-length: 18" in head
        assert later.startswith(b"HTTP/1.1 200")


@pytest.mark.parametrize("request_", [HEALTH + b"Connection: close\r\n\r\n", b"GET /health HTTP/1.0\r\n\r\n"])
async def test_a_client_that_wants_one_response_gets_connection_close(server: Server, request_: bytes) -> None:
    async with opened(server) as (reader, writer):
        writer.write(request_)
        answer = await rest(reader)
        assert b"\r\nconnection: close\r\n" in answer
        assert answer.endswith(b'{"status":"alive"}')


@pytest.mark.parametrize(
    ("name", "value"), [(b"x-split", b"a\r\nset-cookie: b"), (b"x split", b"a"), (b"x-split", b"a\x00")]
)
async def test_a_header_that_contains_another_is_never_sent(name: bytes, value: bytes) -> None:
    async def respond(_scope: Scope, _receive: Receive, send: Send) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": [(name, value)]})
        await send({"type": "http.response.body", "body": b"sent"})

    async with responding(respond) as (reader, writer):
        writer.write(HEALTH + b"\r\n")
        response = await rest(reader)
    assert b"sent" not in response
    assert b"x-split" not in response
    assert b"x split" not in response
    assert b"set-cookie" not in response


@asynccontextmanager
async def responding(app: ASGIApp) -> AsyncIterator[Streams]:
    """A connection to a server of this application."""
    config = uvicorn.Config(app, http=LimitedConnection, lifespan="off", log_config=None)
    config.load()
    state = ServerState()
    loop = asyncio.get_running_loop()
    malformed = MalformedRequests(CollectorRegistry())
    server = await loop.create_server(
        lambda: LimitedConnection(config, state, {}, malformed=malformed, unread=UnreadAnswers()), "127.0.0.1", 0
    )
    async with server:
        reader, writer = await asyncio.open_connection(*server.sockets[0].getsockname())
        try:
            yield reader, writer
        finally:
            writer.close()
