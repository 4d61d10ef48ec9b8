"""A connection is closed unless its request heads arrive in time and within the size limit."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from urllib.parse import urlsplit

import pytest

from oms.web.server import connection
from tests.web.conftest import Server

HEALTH = b"GET /health HTTP/1.1\r\nHost: localhost\r\n"

Streams = tuple[asyncio.StreamReader, asyncio.StreamWriter]


@asynccontextmanager
async def opened(server: Server) -> AsyncIterator[Streams]:
    reader, writer = await asyncio.open_connection("127.0.0.1", urlsplit(server.url).port)
    try:
        yield reader, writer
    finally:
        writer.close()


async def rest(reader: asyncio.StreamReader) -> bytes:
    """The data until the server closes."""
    try:
        return await asyncio.wait_for(reader.read(), 10)
    except ConnectionResetError:
        return b""


@pytest.mark.parametrize("begun", [b"", HEALTH, HEALTH + b"X-Slow: a"], ids=["nothing", "a line", "half a header"])
async def test_a_request_whose_head_is_too_slow_ends_the_connection(
    server: Server, monkeypatch: pytest.MonkeyPatch, begun: bytes
) -> None:
    monkeypatch.setattr(connection, "HEAD_TIMEOUT_S", 0.2)
    async with opened(server) as (reader, writer):
        writer.write(begun)
        assert await rest(reader) == b""


async def test_the_limit_applies_to_later_requests_of_a_connection(
    server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(connection, "HEAD_TIMEOUT_S", 0.5)
    async with opened(server) as (reader, writer):
        writer.write(HEALTH + b"\r\n")
        assert (await reader.readuntil(b"}")).startswith(b"HTTP/1.1 200")
        writer.write(HEALTH)
        assert await rest(reader) == b""


async def test_an_endless_head_is_not_buffered(server: Server) -> None:
    async with opened(server) as (reader, writer):
        writer.write(HEALTH)
        sent = 0
        try:
            while sent < 100 * connection.MAX_HEAD_BYTES:
                writer.write(b"X-Long: " + b"x" * 8_000 + b"\r\n")
                await asyncio.wait_for(writer.drain(), 10)
                sent += 8_000
        except ConnectionError:
            return
        assert await rest(reader) == b""
        pytest.fail("all of it was taken")


async def test_a_connection_with_timely_requests_stays_open(server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connection, "HEAD_TIMEOUT_S", 0.5)
    async with opened(server) as (reader, writer):
        for _ in range(4):
            writer.write(HEALTH + b"\r\n")
            assert (await reader.readuntil(b"}")).startswith(b"HTTP/1.1 200")
            await asyncio.sleep(0.2)


async def test_the_limit_applies_to_an_incomplete_pipelined_request(
    server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(connection, "HEAD_TIMEOUT_S", 0.2)
    async with opened(server) as (reader, writer):
        writer.write(HEALTH + b"\r\n" + HEALTH)
        answer = await rest(reader)
        assert answer.count(b"HTTP/1.1 200") == 1
