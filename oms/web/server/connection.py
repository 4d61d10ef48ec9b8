"""An HTTP connection whose request heads have a time and size limit, which uvicorn lacks.

The body of a request and a WebSocket have limits of their own (`bodies`, `websocket`).
"""

import asyncio
from typing import Final

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from oms.web.server.bodies import BODY_COMPLETE

HEAD_TIMEOUT_S: Final = 20.0
"""For a request's line and headers to arrive; on a new connection from when it was opened."""

MAX_HEAD_BYTES: Final = 64 * 1024


class LimitedConnection(HttpToolsProtocol):
    """Closes the connection without a response when a request's head is too slow or too long."""

    _head_timer: asyncio.TimerHandle | None = None
    _head_bytes = 0
    _in_body = False
    _has_head = False

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # as uvicorn has it
        super().connection_made(transport)
        self._start_head_timer()

    def data_received(self, data: bytes) -> None:
        """Most heads arrive whole, so the timer starts only where one is incomplete."""
        self._has_head = self._in_body
        super().data_received(data)
        if self._has_head:
            return
        self._start_head_timer()
        self._head_bytes += len(data)
        if self._head_bytes > MAX_HEAD_BYTES:
            self.transport.close()

    def on_message_begin(self) -> None:
        self._has_head = False
        super().on_message_begin()

    def on_headers_complete(self) -> None:
        self._stop_head_timer()
        self._in_body = self._has_head = True
        super().on_headers_complete()

    def on_message_complete(self) -> None:
        self._in_body = False
        self.scope.setdefault("extensions", {})[BODY_COMPLETE] = {}
        super().on_message_complete()

    def connection_lost(self, exc: Exception | None) -> None:
        self._stop_head_timer()
        super().connection_lost(exc)

    def _start_head_timer(self) -> None:
        if self._head_timer is None:
            self._head_timer = self.loop.call_later(HEAD_TIMEOUT_S, self.transport.close)

    def _stop_head_timer(self) -> None:
        self._head_bytes = 0
        if self._head_timer:
            self._head_timer.cancel()
            self._head_timer = None
