"""What clients do not read is bounded: in time for each connection, in bytes for all of a process."""

import asyncio
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from urllib.parse import urlsplit

import orjson
import pytest

from oms.web.server.connections import unread
from oms.web.server.connections.unread import UnreadAnswers
from tests.web.conftest import Server, until

LENGTH = 3_000_000


@asynccontextmanager
async def unreading(server: Server, token: str) -> AsyncIterator[socket.socket]:
    """A connection that has sent a request for an answer of LENGTH bytes, and read nothing."""
    body = orjson.dumps({"query": "query ($text: String!) { echo(text: $text) }", "variables": {"text": "x" * LENGTH}})
    head = (
        f"POST /graphql HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {token}\r\n"
        f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
    ).encode()
    loop = asyncio.get_running_loop()
    with socket.socket() as connection:
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        connection.setblocking(False)
        await loop.sock_connect(connection, ("127.0.0.1", urlsplit(server.url).port))
        await loop.sock_sendall(connection, head + body)
        yield connection


async def received(connection: socket.socket) -> int:
    """Reads until the server ends the connection, or everything has come; returns the number of bytes."""
    loop, length = asyncio.get_running_loop(), 0
    async with asyncio.timeout(20):
        while length < LENGTH:
            try:
                data = await loop.sock_recv(connection, 65_536)
            except ConnectionError:
                break
            if not data:
                break
            length += len(data)
    return length


def watched(server: Server) -> int:
    return len(server.app.state.unread)


async def test_an_answer_that_is_not_read_in_time_is_dropped(
    server: Server, token: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(unread, "CHECK_S", 0.05)
    monkeypatch.setattr(unread, "UNREAD_TIMEOUT_S", 0.3)
    async with unreading(server, token) as connection:
        await until(lambda: watched(server) == 1, within_s=20)
        await until(lambda: watched(server) == 0, within_s=20)
        assert await received(connection) < LENGTH


async def test_a_slow_client_that_goes_on_reading_gets_all(
    server: Server, token: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(unread, "CHECK_S", 0.05)
    async with unreading(server, token) as connection:
        await until(lambda: watched(server) == 1, within_s=20)
        assert await received(connection) >= LENGTH


async def test_what_is_above_the_bound_of_the_process_is_dropped_at_once(
    server: Server, token: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(unread, "MAX_UNREAD_BYTES", 10_000)
    async with unreading(server, token) as connection:
        await asyncio.get_running_loop().sock_recv(connection, 1)
        assert await received(connection) < LENGTH - 1


async def test_a_connection_that_is_lost_is_forgotten(
    server: Server, token: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(unread, "CHECK_S", 0.05)
    async with unreading(server, token) as connection:
        await until(lambda: watched(server) == 1, within_s=20)
        connection.close()
        await until(lambda: watched(server) == 0, within_s=20)


async def test_those_that_have_read_nothing_for_longest_are_disconnected_first() -> None:
    answers = UnreadAnswers()
    old, new = _Held(unread.MAX_UNREAD_BYTES * 2 // 3), _Held(unread.MAX_UNREAD_BYTES * 2 // 3)
    answers.watch(old)
    await asyncio.sleep(0.01)
    assert [old.aborted, new.aborted] == [False, False]
    answers.watch(new)
    assert [old.aborted, new.aborted] == [True, False]


class _Held(asyncio.Transport):
    """A transport with so many bytes to send."""

    def __init__(self, left: int) -> None:
        super().__init__()
        self._left = left
        self.aborted = False

    def get_write_buffer_size(self) -> int:
        return self._left

    def abort(self) -> None:
        self.aborted = True
