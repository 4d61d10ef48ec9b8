"""An HTTP connection with the bounds that uvicorn lacks: on heads, trailers, chunks, pipelines, and on its end.

The body of a request has limits of its own (`bodies`), as have WebSockets (`websocket`) and answers that
nobody reads (`unread`).
"""

import asyncio
from typing import Any, Final, cast

import httptools
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol, RequestResponseCycle

from oms.web.server.bodies import BODY_COMPLETE
from oms.web.server.connections.malformed import MalformedRequests
from oms.web.server.connections.unread import UnreadAnswers

HEAD_TIMEOUT_S: Final = 20.0
"""For a request's line and headers to arrive; on a new connection from when it was opened."""

MAX_HEAD_BYTES: Final = 64 * 1024
"""Of a request's line and headers; also of its trailers."""

LINGER_S: Final = 10.0
"""After a response, for the rest of the request's body. Closing at once could destroy a response on its way."""

MAX_PIPELINED: Final = 20
"""Requests that wait for the response to an earlier one of their connection."""

MAX_TRAILERS: Final = 100

MAX_TINY_CHUNKS: Final = 1_000
"""Of a body that averages less than TINY_CHUNK_BYTES: parsing costs more per chunk than per byte."""

TINY_CHUNK_BYTES: Final = 16

_REFUSAL: Final = (
    b"HTTP/1.1 400 Bad Request\r\ncontent-type: text/plain; charset=utf-8\r\ncontent-length: 30\r\n"
    b"connection: close\r\n\r\nInvalid HTTP request received."
)


class _OutOfBounds(Exception):
    """Raised in callbacks of the parser, which stops there."""


class LimitedConnection(HttpToolsProtocol):
    """Closes the connection when a request's head is too slow or too long; answers 400 to what is malformed."""

    _head_timer: asyncio.TimerHandle | None = None
    _linger_timer: asyncio.TimerHandle | None = None
    _head_bytes = 0
    _may_be_long = False
    _in_body = False
    _has_head = False
    _in_trailers = False
    _trailer_bytes = 0
    _chunks = 0
    _chunked_bytes = 0

    def __init__(self, *arguments: Any, malformed: MalformedRequests, unread: UnreadAnswers, **options: Any) -> None:
        super().__init__(*arguments, **options)
        self._malformed = malformed
        self._unread = unread

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # as uvicorn has it
        super().connection_made(transport)
        self._start_head_timer()

    def connection_lost(self, exc: Exception | None) -> None:
        self._stop_head_timer()
        self._stop_lingering()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """As uvicorn's, but a malformed request is counted and not logged.

        Most heads arrive whole, so the timer starts only where one is incomplete.
        """
        self._unset_keepalive_if_required()
        self._has_head, in_trailers = self._in_body, self._in_trailers
        self._may_be_long = self._head_bytes + len(data) > MAX_HEAD_BYTES
        try:
            self.parser.feed_data(data)
        except httptools.HttpParserError as error:
            self._refuse(str(error.__context__ or error))
        except httptools.HttpParserUpgrade:
            if self._should_upgrade():  # else the request is answered as HTTP/1.1. Source: RFC 9110, 7.8
                self.handle_websocket_upgrade()
        else:
            if in_trailers and self._in_trailers:
                self._bound_trailers(len(data))
            elif not self._has_head:
                self._bound_head(len(data))

    def _bound_head(self, received: int) -> None:
        self._start_head_timer()
        self._head_bytes += received
        if self._head_bytes > MAX_HEAD_BYTES:
            self.transport.close()

    def _bound_trailers(self, received: int) -> None:
        """The parser buffers an incomplete one."""
        self._trailer_bytes += received
        if self._trailer_bytes > MAX_HEAD_BYTES:
            self.transport.close()

    def _refuse(self, problem: str) -> None:
        """While a response is due, the client would take the refusal for it."""
        self._malformed.count(problem)
        if not self._is_answering():
            self.transport.write(_REFUSAL)
        self.transport.close()

    # the parser's callbacks

    def on_message_begin(self) -> None:
        self._has_head = False
        super().on_message_begin()

    def on_headers_complete(self) -> None:
        self._stop_head_timer()
        if self._may_be_long and self._head_length() > MAX_HEAD_BYTES:
            raise _OutOfBounds("a head that is too long")
        if len(self.pipeline) >= MAX_PIPELINED:
            raise _OutOfBounds("too many requests in a pipeline")
        self._in_body = self._has_head = True
        super().on_headers_complete()

    def on_chunk_header(self) -> None:
        """The last chunk has no body: what follows it is trailers."""
        self._in_trailers = True
        self._trailer_bytes = 0
        self.headers = _Trailers()
        self._chunks += 1
        if self._chunks > max(MAX_TINY_CHUNKS, self._chunked_bytes // TINY_CHUNK_BYTES):
            raise _OutOfBounds("too many tiny chunks")

    def on_body(self, body: bytes) -> None:
        self._in_trailers = False
        self._chunked_bytes += len(body)
        super().on_body(body)

    def on_message_complete(self) -> None:
        self._in_body = self._in_trailers = False
        self._chunks = self._chunked_bytes = 0
        self._stop_lingering()
        self._has_head = self._is_answering()  # if not, the next head is awaited
        self.scope.setdefault("extensions", {})[BODY_COMPLETE] = {}
        super().on_message_complete()

    # the response

    def on_response_complete(self) -> None:
        super().on_response_complete()
        if self.transport.get_write_buffer_size():
            self._unread.watch(self.transport)
        if self._in_body and not self._is_answering() and not self.transport.is_closing():
            self._linger_timer = self.loop.call_later(LINGER_S, self.transport.close)

    def _is_answering(self) -> bool:
        """Whether the response to the latest request is not complete; there is no cycle before the first."""
        cycle = cast("RequestResponseCycle | None", self.cycle)
        return cycle is not None and not cycle.response_complete

    def pause_writing(self) -> None:
        super().pause_writing()
        self._unread.watch(self.transport)

    # clocks

    def _head_length(self) -> int:
        return len(self.url) + sum(len(name) + len(value) + len(": \r\n") for name, value in self.headers)

    def _start_head_timer(self) -> None:
        if self._head_timer is None:
            self._head_timer = self.loop.call_later(HEAD_TIMEOUT_S, self.transport.close)

    def _stop_head_timer(self) -> None:
        self._head_bytes = 0
        if self._head_timer:
            self._head_timer.cancel()
            self._head_timer = None

    def _stop_lingering(self) -> None:
        if self._linger_timer:
            self._linger_timer.cancel()
            self._linger_timer = None


class _Trailers(list[tuple[bytes, bytes]]):
    """Takes the place of a request's headers while its body arrives: the application never sees its trailers."""

    _count = 0

    def append(self, _trailer: tuple[bytes, bytes]) -> None:
        self._count += 1
        if self._count > MAX_TRAILERS:
            raise _OutOfBounds("too many trailers")
