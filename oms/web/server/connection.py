"""A connection over HTTP whose requests begin in time and within bounds. What follows a request's head, its body or a
WebSocket, has bounds of its own; for the head itself uvicorn would wait for ever, and keep however much comes.
"""

import asyncio
from typing import Any, Final

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol, RequestResponseCycle

from oms.web.server.bodies import HAS_ARRIVED
from oms.web.server.http_response import PromptCycle

HEAD_PATIENCE_S: Final = 20.0
"""How long a request's line and headers may take to arrive, on a new connection from when it was opened."""

LONGEST_HEAD_BYTES: Final = 64 * 1024


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
        cycle.__class__ = PromptCycle  # uvicorn offers no way to choose it; nothing but `send` differs
        super()._start_asgi_task(cycle, app)
