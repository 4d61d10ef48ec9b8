"""A cheap client: HTTP/1.1 over keep-alive connections, Content-Length only."""

import asyncio
import re
from collections.abc import Mapping
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any, Final, Self, cast

import orjson

Address = tuple[str, int]

_LENGTH: Final = re.compile(rb"\r\ncontent-length: *(\d+)", re.IGNORECASE)
_OK: Final = str(HTTPStatus.OK.value).encode()
_SHOWN: Final = 300


class NotAsExpected(Exception):
    """An unexpected response, with which a measurement would be meaningless."""


class Connection(asyncio.Protocol):
    """One keep-alive connection, for one request at a time.

    A server ends connections on which nothing is asked for a while; the next question opens another.
    """

    def __init__(self, address: Address) -> None:
        self._address = address
        self._lost = asyncio.Event()
        self._received = bytearray()
        self._whole_bytes = 0  # of the answer, head and body; 0 while its head is not complete
        self._answered: asyncio.Future[bytes] | None = None

    @classmethod
    async def open(cls, address: Address) -> Self:
        connection = cls(address)
        await connection._connect()
        return connection

    async def _connect(self) -> None:
        await asyncio.get_running_loop().create_connection(lambda: self, *self._address)

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)  # uvloop's is none by its type
        self._lost.clear()

    async def ask(self, request: bytes, expected: bytes = b"") -> bytes:
        """The complete response. Raises NotAsExpected unless it is a 200 with `expected` in it."""
        if self._transport.is_closing():
            await self._lost.wait()
            await self._connect()
        self._answered = asyncio.get_running_loop().create_future()
        self._transport.write(request)
        answer = await self._answered
        if answer[9:12] != _OK or expected not in answer:
            raise _unexpected(answer, expected)
        return answer

    async def data(self, request: bytes) -> Any:
        """The data of a GraphQL response. Raises NotAsExpected if it has errors."""
        answer = orjson.loads((await self.ask(request)).partition(b"\r\n\r\n")[2])
        if "errors" in answer:
            raise NotAsExpected(str(answer)[:_SHOWN])
        return answer["data"]

    def data_received(self, data: bytes) -> None:
        self._received += data
        if not self._whole_bytes:
            head_bytes = self._received.find(b"\r\n\r\n")
            if head_bytes < 0:
                return
            length = _LENGTH.search(self._received, 0, head_bytes)
            self._whole_bytes = head_bytes + 4 + (int(length[1]) if length else 0)
        if len(self._received) >= self._whole_bytes and self._answered:
            answer = bytes(self._received)
            self._received.clear()
            self._whole_bytes = 0
            if not self._answered.done():
                self._answered.set_result(answer)

    def connection_lost(self, exc: Exception | None) -> None:
        self._lost.set()
        if self._answered and not self._answered.done():
            self._answered.set_exception(ConnectionError(f"The server closed the connection: {exc}"))

    def close(self) -> None:
        self._transport.close()


def _unexpected(answer: bytes, expected: bytes) -> NotAsExpected:
    """With the status and the start of the body."""
    body = answer.partition(b"\r\n\r\n")[2].decode(errors="replace")
    shown = body if len(body) <= 2 * _SHOWN else f"{body[:_SHOWN]} … {body[-_SHOWN:]}"
    return NotAsExpected(f"HTTP {answer[9:12].decode()}, expected was {expected.decode()!r} in: {shown}")


@dataclass(frozen=True, slots=True)
class Document:
    """A GraphQL document, encoded except for its variables; calling it returns the request."""

    head: bytes
    before: bytes

    @classmethod
    def of(cls, token: str, text: str, *, accept: str = "application/json") -> Self:
        head = (
            "POST /graphql HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
            f"Accept: {accept}\r\nAuthorization: Bearer {token}\r\nContent-Length: "
        )
        return cls(head.encode(), b'{"query":' + orjson.dumps(text) + b',"variables":')

    def __call__(self, variables: Mapping[str, Any] | None = None) -> bytes:
        body = self.before + orjson.dumps(variables or {}) + b"}"
        return b"%b%d\r\n\r\n%b" % (self.head, len(body), body)


def page(path: str, cookie: str) -> bytes:
    """The request for a page as a browser with that cookie sends it."""
    return f"GET {path} HTTP/1.1\r\nHost: localhost\r\nAccept: text/html\r\nCookie: {cookie}\r\n\r\n".encode()
