"""The protocol graphql-transport-ws as a state machine without I/O: messages in, actions out.

Source: graphql-ws, PROTOCOL.md, whose close codes these are. `websocket` performs the actions.
"""

from dataclasses import dataclass
from enum import Enum, auto
from typing import Any, Final

import orjson

from oms.web.errors.codes import Close, ErrorCode
from oms.web.errors.refusals import RequestRefused
from oms.web.graphql.api import Outcome
from oms.web.graphql.request import MAX_REQUEST_BYTES, GraphQLRequest, has_too_many_values
from oms.web.server.connections.websocket import MAX_EARLY_BYTES

SUBPROTOCOL: Final = "graphql-transport-ws"

MAX_OPERATIONS: Final = 100
"""Simultaneous operations of one connection."""


Message = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Authenticate:
    """Check the Authorization value of connection_init; None: the session of the page that connected."""

    authorization: str | None


@dataclass(frozen=True, slots=True)
class Count:
    """Count a message against the client's rate limit."""


@dataclass(frozen=True, slots=True)
class Send:
    """Send a message."""

    message: Message


@dataclass(frozen=True, slots=True)
class Start:
    """Execute an operation, and send what `next_message` makes of its outcomes, then `complete_message`."""

    key: str
    request: GraphQLRequest


@dataclass(frozen=True, slots=True)
class Cancel:
    """Stop an operation."""

    key: str


@dataclass(frozen=True, slots=True)
class CloseSocket:
    """Close the connection, which also stops all operations."""

    code: Close
    reason: str

    @classmethod
    def of(cls, refusal: RequestRefused) -> "CloseSocket":
        return cls(refusal.close_code, refusal.message)


Action = Authenticate | Count | Send | Start | Cancel | CloseSocket

SERVER_STOPS: Final = CloseSocket(Close.GOING_AWAY, "The server stops; connect again.")
REVOKED: Final = CloseSocket(Close.FORBIDDEN, "Your credentials are no longer valid: send others, or sign in again.")
TOO_SLOW: Final = CloseSocket(Close.TRY_AGAIN, "The connection is too slow")


class Phase(Enum):
    """Of a connection; operations need READY."""

    OPENED = auto()
    AUTHENTICATING = auto()
    READY = auto()
    CLOSED = auto()


class _Violation(Exception):
    def __init__(self, code: Close, reason: str) -> None:
        super().__init__(reason)
        self.close = CloseSocket(code, reason)


class Protocol:
    """The server's side of one connection."""

    def __init__(self) -> None:
        self.phase = Phase.OPENED
        self._running: set[str] = set()

    def receive(self, text: str | None) -> list[Action]:
        """A message of the client; None if it was not text."""
        if self.phase is Phase.CLOSED:
            return []
        try:
            return self._handle(self._decode(text))
        except _Violation as violation:
            return self._close(violation.close)

    def authenticated(self) -> list[Action]:
        self.phase = Phase.READY
        return [Send({"type": "connection_ack"})]

    def init_timed_out(self) -> list[Action]:
        if self.phase is not Phase.OPENED:
            return []
        return self._close(CloseSocket(Close.INIT_TIMEOUT, "Connection initialisation timeout"))

    def finished(self, key: str) -> None:
        """The operation has sent its last message: its key may be used again."""
        self._running.discard(key)

    def _close(self, close: CloseSocket) -> list[Action]:
        self.phase = Phase.CLOSED
        return [close]

    def _decode(self, text: str | None) -> Message:
        if text is None:
            raise _Violation(Close.BAD_MESSAGE, "Messages must be text")
        limit = MAX_REQUEST_BYTES if self.phase is Phase.READY else MAX_EARLY_BYTES
        if len(text) > limit or has_too_many_values(text):
            raise _Violation(Close.TOO_BIG, "The message is too long")
        try:
            message = orjson.loads(text)
        except orjson.JSONDecodeError as problem:
            raise _Violation(Close.BAD_MESSAGE, "Messages must be JSON") from problem
        if not isinstance(message, dict):
            raise _Violation(Close.BAD_MESSAGE, "Messages must be JSON objects")
        return message

    def _handle(self, message: Message) -> list[Action]:
        match message:
            case {"type": "connection_init"}:
                return self._init(message.get("payload"))
            case {"type": "ping"}:
                payload = {"payload": message["payload"]} if isinstance(message.get("payload"), dict) else {}
                return [Count(), Send({"type": "pong"} | payload)]
            case {"type": "pong"}:
                return [Count()]
            case {"type": "subscribe", "id": str(key), "payload": dict(request)} if key:
                return self._subscribe(key, request)
            case {"type": "complete", "id": str(key)}:
                return self._complete(key)
        raise _Violation(Close.BAD_MESSAGE, "Unknown or malformed message")

    def _init(self, payload: Any) -> list[Action]:
        if self.phase is not Phase.OPENED:
            raise _Violation(Close.SECOND_INIT, "Too many initialisation requests")
        if not isinstance(payload, dict | None):
            raise _Violation(Close.BAD_MESSAGE, "The payload of connection_init must be an object")
        authorization = {name.lower(): value for name, value in (payload or {}).items()}.get("authorization")
        if not isinstance(authorization, str | None):
            raise _Violation(Close.BAD_MESSAGE, "authorization must be a string")
        self.phase = Phase.AUTHENTICATING
        return [Authenticate(authorization)]

    def _subscribe(self, key: str, payload: Message) -> list[Action]:
        if self.phase is not Phase.READY:
            raise _Violation(Close.UNAUTHORIZED, "Unauthorized")
        if key in self._running:
            raise _Violation(Close.ID_IN_USE, f"Subscriber for {key} already exists")
        try:
            request = GraphQLRequest.of(payload)
        except RequestRefused as refusal:
            raise _Violation(Close.BAD_MESSAGE, refusal.message) from refusal
        if len(self._running) >= MAX_OPERATIONS:
            message = f"At most {MAX_OPERATIONS} operations at once are allowed on one connection."
            return [Send(_error_message(key, RequestRefused(ErrorCode.RATE_LIMITED, message).errors))]
        self._running.add(key)
        return [Start(key, request)]

    def _complete(self, key: str) -> list[Action]:
        if key not in self._running:
            return [Count()]
        self._running.remove(key)
        return [Count(), Cancel(key)]


def next_message(key: str, outcome: Outcome) -> Message:
    """A result; of an operation that was not executed, the error that ends it."""
    if outcome.executed:
        return {"id": key, "type": "next", "payload": outcome.body}
    return _error_message(key, outcome.body["errors"])


def complete_message(key: str) -> Message:
    return {"id": key, "type": "complete"}


def _error_message(key: str, errors: Any) -> Message:
    return {"id": key, "type": "error", "payload": errors}
