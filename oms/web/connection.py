"""A connection over HTTP whose requests begin in time and within bounds. What follows a request's head, its body or a
WebSocket, has bounds of its own; for the head itself uvicorn would wait for ever, and keep however much comes.
"""

import asyncio
from functools import lru_cache
from typing import Any, Final

from uvicorn.protocols.http.httptools_impl import (
    HEADER_RE,
    HEADER_VALUE_RE,
    STATUS_LINE,
    HttpToolsProtocol,
    RequestResponseCycle,
)

from oms.web.bodies import HAS_ARRIVED

HEAD_PATIENCE_S: Final = 20.0
"""How long a request's line and headers may take to arrive, on a new connection from when it was opened."""

LONGEST_HEAD_BYTES: Final = 64 * 1024

_DECIDES_THE_FORM: Final = frozenset({b"connection", b"transfer-encoding"})
_OF_ONE_ANSWER: Final = frozenset({b"content-length", b"set-cookie"})
_LONGEST_REMEMBERED: Final = 300


class PunctualConnection(HttpToolsProtocol):
    """uvicorn's, closed without an answer where the head of a request comes too late or too long."""

    _waits_until: asyncio.TimerHandle | None = None
    _head_bytes = 0
    _in_body = False
    _has_head = False

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # as uvicorn has it
        super().connection_made(transport)
        self._await_head()

    def data_received(self, data: bytes) -> None:
        """Most heads come whole: only for the rest of one is there a clock."""
        self._has_head = self._in_body
        super().data_received(data)
        if self._has_head:
            return
        self._await_head()
        self._head_bytes += len(data)
        if self._head_bytes > LONGEST_HEAD_BYTES:
            self.transport.close()

    def on_message_begin(self) -> None:
        self._has_head = False
        super().on_message_begin()

    def on_headers_complete(self) -> None:
        self._wait_no_longer()
        self._in_body = self._has_head = True
        super().on_headers_complete()

    def on_message_complete(self) -> None:
        self._in_body = False
        self.scope.setdefault("extensions", {})[HAS_ARRIVED] = {}
        super().on_message_complete()

    def connection_lost(self, exc: Exception | None) -> None:
        self._wait_no_longer()
        super().connection_lost(exc)

    def _await_head(self) -> None:
        if self._waits_until is None:
            self._waits_until = self.loop.call_later(HEAD_PATIENCE_S, self.transport.close)

    def _wait_no_longer(self) -> None:
        self._head_bytes = 0
        if self._waits_until:
            self._waits_until.cancel()
            self._waits_until = None

    def _start_asgi_task(self, cycle: RequestResponseCycle, app: Any) -> None:
        cycle.__class__ = _Cycle  # uvicorn offers no way to choose it; nothing but `send` differs
        super()._start_asgi_task(cycle, app)


class _Cycle(RequestResponseCycle):
    """uvicorn's way of one request and its answer, but for how an answer that is there as a whole is written.

    uvicorn writes head and body one after the other, two calls of the system, and looks for forbidden characters in
    each header of each answer: 14 µs for those we send. They are mostly the same ones, so here each is looked at once
    and remembered as the line that it makes, and the head waits for the body.
    """

    _head: bytes | None = None

    async def send(self, message: Any) -> None:
        if self._head is None:
            self._head = None if self.response_started else self._plain_head(message)
            if self._head is None:
                await super().send(message)
            return
        head, self._head = self._head, None
        body = message.get("body", b"")
        is_whole = len(body) == self.expected_content_length and not message.get("more_body", False)
        if self.disconnected:
            return
        if is_whole and self.keep_alive and not self.flow.write_paused:
            self.transport.write(head + body)
            self.response_complete = True
            self.message_event.set()
            self.on_response()
        else:
            self.transport.write(head)
            await super().send(message)

    def _plain_head(self, message: Any) -> bytes | None:
        """The head of an answer of known length on a connection that stays open; None of any other."""
        if message["type"] != "http.response.start" or not self.keep_alive or self.scope["method"] == "HEAD":
            return None
        length = None
        lines = [STATUS_LINE[message["status"]]]
        for name, value in (*self.default_headers, *message["headers"]):
            if name in _DECIDES_THE_FORM:
                return None
            if name == b"content-length":
                length = int(value)
            lines.append(_line(name, value))
        if length is None:
            return None
        self.response_started, self.waiting_for_100_continue = True, False
        self.chunked_encoding, self.expected_content_length = False, length
        return b"".join((*lines, b"\r\n"))


def _line(name: bytes, value: bytes) -> bytes:
    is_one_of_many = len(value) <= _LONGEST_REMEMBERED and name not in _OF_ONE_ANSWER
    return _remembered_line(name, value) if is_one_of_many else _made_line(name, value)


def _made_line(name: bytes, value: bytes) -> bytes:
    """Raises RuntimeError where it would not be one line, as uvicorn does."""
    if HEADER_RE.search(name) or HEADER_VALUE_RE.search(value):
        raise RuntimeError("A header of an answer holds forbidden characters.")
    return b"%b: %b\r\n" % (name.lower(), value)


_remembered_line: Final = lru_cache(maxsize=1024)(_made_line)
