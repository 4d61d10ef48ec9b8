"""Requests survive closed connections, chunked responses and temporary failures."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from oms.tools.replay.client.api import MAX_INTERNAL_ATTEMPTS, Api, Rejected, Unanswered
from oms.tools.replay.client.connection import Connections

GOOD = b'{"data": {"viewer": {"name": "x"}}}'


def reply(body: bytes = GOOD, status: str = "200 OK", headers: str = "") -> bytes:
    return f"HTTP/1.1 {status}\r\ncontent-length: {len(body)}\r\n{headers}\r\n".encode() + body


class Server:
    """Answers request n with script n, later ones with the last; an empty script closes the connection."""

    def __init__(self, *scripts: bytes) -> None:
        self.scripts = scripts
        self.requests: list[bytes] = []
        self.connections = 0

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        while head := await reader.readuntil(b"\r\n\r\n"):
            length = int(head.lower().split(b"content-length: ")[1].split(b"\r\n")[0])
            self.requests.append(head + await reader.readexactly(length))
            script = self.scripts[min(len(self.requests), len(self.scripts)) - 1]
            writer.write(script)
            if not script or not script.endswith(b"}"):
                break
        writer.close()


@asynccontextmanager
async def api_of(server: Server, *, retry_for_s: float = 5.0) -> AsyncIterator[Api]:
    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            await server.serve(reader, writer)
        except (asyncio.IncompleteReadError, asyncio.CancelledError):
            writer.close()

    listening = await asyncio.start_server(serve, "127.0.0.1", 0)
    port = listening.sockets[0].getsockname()[1]
    async with listening, Connections(f"http://127.0.0.1:{port}", timeout_s=5) as connections:
        yield Api(connections, "secret", retry_for_s=retry_for_s)


async def test_a_request_has_token_document_variables_and_key() -> None:
    server = Server(reply())
    async with api_of(server) as api:
        data = await api.execute("query Q { viewer { name } }", {"a": 1}, idempotency_key="k1")

    assert data == {"viewer": {"name": "x"}}
    assert server.requests[0].startswith(b"POST /graphql HTTP/1.1\r\nhost: 127.0.0.1:")
    assert b"authorization: Bearer secret\r\n" in server.requests[0]
    assert b"idempotency-key: k1\r\n" in server.requests[0]
    assert server.requests[0].endswith(b'{"query":"query Q { viewer { name } }","variables":{"a":1}}')


async def test_requests_share_a_connection() -> None:
    server = Server(reply())
    async with api_of(server) as api:
        for _ in range(5):
            await api.execute("query", {})
    assert server.connections == 1


async def test_a_connection_that_the_server_closed_while_idle_is_replaced() -> None:
    class ClosingServer(Server):
        async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            self.connections += 1
            await reader.readuntil(b"\r\n\r\n")
            writer.write(reply())
            await asyncio.sleep(0.05)
            writer.close()

    server = ClosingServer(reply())
    async with api_of(server) as api:
        await api.execute("query", {})
        await asyncio.sleep(0.2)
        await api.execute("query", {})
        assert api.retried_requests == 0
    assert server.connections == 2


def chunked(body: bytes) -> bytes:
    half = len(body) // 2
    parts = b"".join(b"%x\r\n%s\r\n" % (len(part), part) for part in (body[:half], body[half:]))
    return b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n" + parts + b"0\r\n\r\n"


async def test_an_answer_may_come_in_chunks() -> None:
    async with api_of(Server(chunked(GOOD))) as api:
        assert await api.execute("query", {}) == {"viewer": {"name": "x"}}


@pytest.mark.parametrize(
    "broken",
    [
        b"",
        b"HTTP/1.1 200 OK\r\ncontent-length: 99\r\n\r\n{",
        b"nonsense\r\n\r\n",
        reply(b"{}", "503 Service Unavailable"),
        reply(b"{}", "429 Too Many Requests", "retry-after: 0\r\n"),
        reply(b"{}", "409 Conflict"),
        reply(b'{"errors": [{"message": "m", "extensions": {"code": "RATE_LIMITED"}}]}'),
        reply(b'{"data": null, "errors": [{"message": "m", "extensions": {"code": "INTERNAL"}}]}'),
    ],
    ids=["closed", "torn", "not HTTP", "503", "429", "409", "rate limited", "internal"],
)
async def test_after_a_temporary_failure_the_same_request_is_retried(broken: bytes) -> None:
    server = Server(broken, reply())
    async with api_of(server) as api:
        assert await api.execute("query", {}) == {"viewer": {"name": "x"}}
        assert api.retried_requests == 1
    assert server.requests[0] == server.requests[1]


@pytest.mark.parametrize(
    "refusal",
    [
        reply(b'{"errors": [{"message": "who?", "extensions": {"code": "UNAUTHENTICATED"}}]}', "401 Unauthorized"),
        reply(b"<html>}", "404 Not Found"),
        reply(b'{"errors": [{"message": "Cannot query field."}]}'),
        reply(b"{}"),
        reply(b'{"unexpected": [1]}'),
    ],
)
async def test_a_refusal_is_final(refusal: bytes) -> None:
    server = Server(refusal)
    async with api_of(server) as api:
        with pytest.raises(Rejected):
            await api.execute("query", {})
    assert len(server.requests) == 1


async def test_a_bug_of_the_server_is_not_retried_without_end() -> None:
    server = Server(reply(b'{"errors": [{"message": "m", "extensions": {"code": "INTERNAL"}}]}'))
    async with api_of(server, retry_for_s=60) as api:
        with pytest.raises(Rejected, match="INTERNAL"):
            await api.execute("query", {})
    assert len(server.requests) == MAX_INTERNAL_ATTEMPTS


async def test_retries_end_if_the_server_stays_unavailable() -> None:
    async with api_of(Server(b""), retry_for_s=0.5) as api:
        with pytest.raises(Unanswered, match="closed the connection"):
            await api.execute("query", {})


@pytest.mark.parametrize("url", ["ftp://host", "host:8000", "http://"])
def test_an_address_must_be_http_or_https(url: str) -> None:
    with pytest.raises(ValueError, match="not an http"):
        Connections(url, timeout_s=1)
