"""A WebSocket with the bounds that uvicorn lacks: on messages before the greeting, frames, fragments and pongs."""

from collections.abc import Callable
from typing import Any, Final

from starlette.types import Scope
from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol
from websockets.frames import CloseCode, Frame
from websockets.http11 import Request

from oms.web.server.connections.malformed import MalformedRequests
from oms.web.server.connections.unread import UnreadAnswers

MAX_EARLY_BYTES: Final = 16 * 1024
"""Of a message before the application has acknowledged the client."""

MAX_FRAMES: Final = 1_000
"""Of one read, which is at most 256 KiB: parsing costs more per frame than per byte."""

MAX_FRAGMENTS: Final = 10_000
"""Of one message; even an empty one takes memory."""

_SLICE_BYTES: Final = 4 * 1024
_ACKNOWLEDGE: Final = "oms.acknowledge"


class LimitedWebSocket(WebSocketsSansIOProtocol):
    """Fails the connection of a client that exceeds a bound."""

    def __init__(self, *arguments: Any, malformed: MalformedRequests, unread: UnreadAnswers, **options: Any) -> None:
        super().__init__(*arguments, **options)
        self._malformed = malformed
        self._unread = unread
        self.conn.max_message_size = MAX_EARLY_BYTES

    def handle_connect(self, event: Request) -> None:
        super().handle_connect(event)
        if self.response.status_code == 101:
            self.scope["extensions"][_ACKNOWLEDGE] = {"now": self._acknowledge}

    def _acknowledge(self) -> None:
        self.conn.max_message_size = self.config.ws_max_size

    def data_received(self, data: bytes) -> None:
        """In slices, so that little is parsed of what exceeds a bound."""
        frames = 0
        for start in range(0, len(data), _SLICE_BYTES):
            self.conn.receive_data(data[start : start + _SLICE_BYTES])
            frames += len(self.conn.events)
            if frames > MAX_FRAMES:
                self._fail(CloseCode.POLICY_VIOLATION, "too many frames at once")
            elif self.conn.parser_exc is not None:
                self.handle_parser_exception()
            elif self.conn.handshake_exc is not None and not self.handshake_initiated:
                self._refuse_handshake()
            else:
                self.handle_events()
            if self.transport.is_closing():
                return

    async def send(self, message: Any) -> None:
        """A refused upgrade is a complete handshake: uvicorn would log it as an error."""
        await super().send(message)
        if self.initial_response is not None:
            self.handshake_complete = True

    def handle_cont(self, event: Frame) -> None:
        if len(self.frames) >= MAX_FRAGMENTS:
            self._fail(CloseCode.MESSAGE_TOO_BIG, "too many fragments")
        else:
            super().handle_cont(event)

    def send_receive_event_to_app(self) -> None:
        if self.curr_msg_data_type == "text" and not _is_utf8(b"".join(self.frames)):
            self._fail(CloseCode.INVALID_DATA, "not UTF-8")
        else:
            super().send_receive_event_to_app()

    def handle_ping(self) -> None:
        """No pong for a client that does not read: they would pile up."""
        pong = self.conn.data_to_send()
        if self.writable.is_set():
            self.transport.write(b"".join(pong))

    def handle_parser_exception(self) -> None:
        self._malformed.count(repr(self.conn.parser_exc))
        super().handle_parser_exception()

    def pause_writing(self) -> None:
        super().pause_writing()
        self._unread.watch(self.transport)

    def _fail(self, code: CloseCode, reason: str) -> None:
        self.conn.fail(code, reason)
        self.handle_parser_exception()

    def _refuse_handshake(self) -> None:
        """What is no handshake to `websockets`, such as too many headers. It has prepared the response."""
        self._malformed.count(repr(self.conn.handshake_exc))
        self.handshake_complete = self.close_sent = True
        self.transport.write(b"".join(self.conn.data_to_send()))
        self.transport.close()


def acknowledge(scope: Scope) -> None:
    """The application knows the client of this WebSocket: from now on its messages may be long."""
    bound: dict[str, Callable[[], None]] | None = scope.get("extensions", {}).get(_ACKNOWLEDGE)
    if bound:
        bound["now"]()


def _is_utf8(data: bytes) -> bool:
    try:
        data.decode()
    except UnicodeDecodeError:
        return False
    return True
