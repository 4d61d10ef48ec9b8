"""A connection is closed when its requests exceed a bound of size or time."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from urllib.parse import urlsplit

import pytest

from oms.web.server.connections import http as connection
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


async def test_a_long_head_is_refused_even_if_it_arrives_at_once(server: Server) -> None:
    async with opened(server) as (reader, writer):
        writer.write(HEALTH + b"X-Long: " + b"x" * 2 * connection.MAX_HEAD_BYTES + b"\r\n\r\n")
        assert (await rest(reader))[:12] in (b"HTTP/1.1 400", b"")  # closed while it arrives, or refused at its end


# trailers


@pytest.mark.parametrize("path", [b"/graphql", b"/sign-in"])  # of an answer that comes before the body, or after it
@pytest.mark.parametrize("trailer", [b"X: " + b"x" * 8_000 + b"\r\n", b"x" * 8_000], ids=["many", "one"])
async def test_endless_trailers_are_not_buffered(server: Server, path: bytes, trailer: bytes) -> None:
    async with opened(server) as (reader, writer):
        writer.write(chunked(path) + b"0\r\n")
        sent = 0
        try:
            while sent < 100 * connection.MAX_HEAD_BYTES:
                writer.write(trailer)
                await asyncio.wait_for(writer.drain(), 10)
                sent += len(trailer)
        except ConnectionError:
            return
        await rest(reader)
        pytest.fail("all of them were taken")


async def test_few_trailers_are_ignored(server: Server) -> None:
    async with opened(server) as (reader, writer):
        writer.write(chunked(b"/graphql") + b"0\r\nX: one\r\nAuthorization: two\r\n\r\n" + HEALTH + b"\r\n")
        assert (await reader.readuntil(b"]}")).startswith(b"HTTP/1.1 401")
        assert (await reader.readuntil(b"}")).startswith(b"HTTP/1.1 200")


async def test_too_many_tiny_chunks_end_the_connection(server: Server) -> None:
    async with opened(server) as (reader, writer):
        writer.write(chunked(b"/graphql") + b"1\r\nx\r\n" * 2 * connection.MAX_TINY_CHUNKS)
        assert b"HTTP/1.1 200" not in await rest(reader)


def chunked(path: bytes) -> bytes:
    return b"POST %b HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n" % path


# what goes on after a refusal


async def test_a_body_that_goes_on_after_a_refusal_ends_the_connection(
    server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(connection, "LINGER_S", 0.5)
    async with opened(server) as (reader, writer):
        writer.write(b"POST /graphql HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1000\r\n\r\n")
        assert (await reader.readuntil(b"]}")).startswith(b"HTTP/1.1 401")
        for _ in range(500):
            try:
                writer.write(b"x")
                await writer.drain()
            except ConnectionError:
                return
            await asyncio.sleep(0.02)
        pytest.fail("it goes on")


async def test_a_body_that_ends_soon_after_a_refusal_does_not_end_the_connection(
    server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(connection, "LINGER_S", 0.5)
    async with opened(server) as (reader, writer):
        writer.write(b"POST /graphql HTTP/1.1\r\nHost: localhost\r\nContent-Length: 2\r\n\r\n{")
        assert (await reader.readuntil(b"]}")).startswith(b"HTTP/1.1 401")
        writer.write(b"}")
        await asyncio.sleep(1)
        writer.write(HEALTH + b"\r\n")
        assert (await reader.readuntil(b"}")).startswith(b"HTTP/1.1 200")


async def test_a_connection_whose_body_ended_after_a_refusal_is_not_kept_for_ever(
    server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(connection, "HEAD_TIMEOUT_S", 0.5)
    async with opened(server) as (reader, writer):
        writer.write(b"POST /graphql HTTP/1.1\r\nHost: localhost\r\nContent-Length: 2\r\n\r\n{")
        assert (await reader.readuntil(b"]}")).startswith(b"HTTP/1.1 401")
        writer.write(b"}")
        assert await rest(reader) == b""


# pipelines


async def test_a_long_pipeline_ends_the_connection(server: Server) -> None:
    async with opened(server) as (reader, writer):
        writer.write((HEALTH + b"\r\n") * 10 * connection.MAX_PIPELINED)
        assert (await rest(reader)).count(b"HTTP/1.1 200") <= connection.MAX_PIPELINED


async def test_a_refusal_is_not_taken_for_the_response_to_an_earlier_request(server: Server) -> None:
    async with opened(server) as (reader, writer):
        writer.write(HEALTH + b"\r\n" + b"\x00\x01\r\n\r\n")
        assert not (await rest(reader)).startswith(b"HTTP/1.1 400")
