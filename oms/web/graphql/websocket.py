"""The protocol graphql-transport-ws at /graphql: subscriptions, queries and mutations over one WebSocket.

Source: the protocol's own description (graphql-ws, PROTOCOL.md), whose close codes these are. Each operation holds
one result at a time and waits while the socket's buffer is full, so a slow client makes its sources wait.
"""

import asyncio
from contextlib import aclosing
from enum import IntEnum
from typing import Any, Final

import orjson
import structlog
from starlette.types import Receive, Scope, Send
from starlette.websockets import WebSocket, WebSocketDisconnect, WebSocketDisconnected, WebSocketState

from oms.domain.access.permissions import Viewer
from oms.web.auth.authenticator import Unauthenticated, credential_of
from oms.web.auth.credentials import SessionSecret, Shown
from oms.web.auth.same_origin import names_own_host
from oms.web.graphql.api import Api, Outcome, failure
from oms.web.graphql.errors import ErrorCode, RequestRefused, refusal_of
from oms.web.graphql.http import refusal_response
from oms.web.graphql.request import LONGEST_REQUEST_BYTES, Operation, too_many_values
from oms.web.live.open_streams import OpenStream, OpenStreams
from oms.web.server.rates import RateLimited, address_of

log = structlog.get_logger(__name__)

SUBPROTOCOL: Final = "graphql-transport-ws"
INIT_PATIENCE_S: Final = 10.0
SEND_PATIENCE_S: Final = 30.0
"""How long a client may not read before its connection is ended."""

MAX_OPERATIONS: Final = 100
"""Operations under way at once on one connection."""

LONGEST_GREETING: Final = 16 * 1024
"""Characters of a message of who has not shown credentials yet."""

REST_S: Final = 1.0
"""How long nothing is read from who sent more than is fair: what comes next stays with the sender."""


class Close(IntEnum):
    """Why the server ends a connection."""

    GOING_AWAY = 1001
    TOO_BIG = 1009
    FAULT = 1011
    TRY_AGAIN = 1013
    BAD_MESSAGE = 4400
    UNAUTHORIZED = 4401
    FORBIDDEN = 4403
    UNKNOWN_SUBPROTOCOL = 4406
    INIT_TIMEOUT = 4408
    ID_IN_USE = 4409
    SECOND_INIT = 4429


class _Ended(Exception):
    """The connection is to be closed for this reason."""

    def __init__(self, code: Close, reason: str) -> None:
        super().__init__(reason)
        self.code = code
        self.reason = reason


class WebSocketDoor:
    """The ASGI application of /graphql for WebSockets. Browsers may connect from our own pages only."""

    def __init__(self, api: Api, streams: OpenStreams) -> None:
        self._api = api
        self._streams = streams

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        socket = WebSocket(scope, receive, send)
        of_own_page = names_own_host(socket)
        if not of_own_page and "origin" in socket.headers:  # programs send none
            await socket.close()  # before it is accepted: HTTP 403
            return
        try:
            self._api.rates.require_room(address_of(socket))
        except RateLimited as refusal:
            await socket.send_denial_response(refusal_response(refusal))
            return
        if SUBPROTOCOL not in socket.scope["subprotocols"]:
            await socket.accept()
            await socket.close(Close.UNKNOWN_SUBPROTOCOL, f"The subprotocol is {SUBPROTOCOL}.")
            return
        await socket.accept(SUBPROTOCOL)
        session = self._api.authenticator.cookie.read(socket) if of_own_page else None
        connection = _Connection(socket, self._api, session)
        with self._streams.open(connection.go_away) as stream:
            await connection.serve(stream)


class _Connection:
    """One client: its credentials, and its operations under way by their ids.

    The credentials are what it shows, or without that the session of the page of ours that connected.
    """

    def __init__(self, socket: WebSocket, api: Api, session: SessionSecret | None) -> None:
        self._socket = socket
        self._api = api
        self._shown: Shown = session
        self._initialised = self._acknowledged = self._sent_too_much = False
        self._viewer: Viewer | None = None
        self._operations: dict[str, asyncio.Task[None]] = {}
        self._ending: asyncio.Future[_Ended] = asyncio.get_running_loop().create_future()

    def go_away(self) -> None:
        self._end(_Ended(Close.GOING_AWAY, "The server stops; connect again."))

    def be_revoked(self) -> None:
        self._end(_Ended(Close.FORBIDDEN, "Your credentials count no more: show others, or sign in again."))

    async def serve(self, stream: OpenStream) -> None:
        """Until either side ends it; nothing of it is left under way then."""
        self._stream = stream
        reading = asyncio.create_task(self._read())
        waiting = asyncio.create_task(self._await_init())
        try:
            await asyncio.wait((reading, self._ending), return_when=asyncio.FIRST_COMPLETED)
        finally:
            tasks = (reading, waiting, *self._operations.values())
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
        if self._ending.done():
            await self._close(self._ending.result())

    def _end(self, ended: _Ended) -> None:
        if not self._ending.done():
            self._ending.set_result(ended)

    async def _close(self, ended: _Ended) -> None:
        if self._socket.client_state is not WebSocketState.CONNECTED:
            return
        try:
            async with asyncio.timeout(1):  # a client that does not read is not waited for
                await self._socket.close(ended.code, ended.reason[:120])
        except (TimeoutError, WebSocketDisconnect, WebSocketDisconnected):
            log.debug("A connection was gone before it could be closed", code=int(ended.code))

    async def _await_init(self) -> None:
        await asyncio.sleep(INIT_PATIENCE_S)
        if not self._initialised:
            self._end(_Ended(Close.INIT_TIMEOUT, "Connection initialisation timeout"))

    async def _read(self) -> None:
        try:
            while True:
                longest = LONGEST_REQUEST_BYTES if self._acknowledged else LONGEST_GREETING
                await self._obey(_message(await self._socket.receive(), longest))
                if self._sent_too_much:
                    self._sent_too_much = False
                    await asyncio.sleep(REST_S)
        except WebSocketDisconnect:
            return
        except _Ended as ended:
            self._end(ended)
        except Exception as error:  # noqa: BLE001 - whatever it is: refusal_of() masks and logs it
            fault = refusal_of(error)
            code = Close.TRY_AGAIN if fault.code == ErrorCode.UNAVAILABLE else Close.FAULT
            self._end(_Ended(code, fault.message))

    async def _obey(self, message: dict[str, Any]) -> None:
        match message:
            case {"type": "connection_init"}:
                await self._initialise(message.get("payload"))
            case {"type": "ping"}:
                await self._count()
                payload = {"payload": message["payload"]} if isinstance(message.get("payload"), dict) else {}
                await self._send({"type": "pong"} | payload)
            case {"type": "pong"}:
                await self._count()
            case {"type": "subscribe", "id": str(key), "payload": dict(request)} if key:
                await self._subscribe(key, request)
            case {"type": "complete", "id": str(key)}:
                await self._count()
                if task := self._operations.pop(key, None):
                    task.cancel()
            case _:
                raise _Ended(Close.BAD_MESSAGE, "Unknown or malformed message")

    async def _initialise(self, payload: Any) -> None:
        if self._initialised:
            raise _Ended(Close.SECOND_INIT, "Too many initialisation requests")
        self._initialised = True
        if not isinstance(payload, dict | None):
            raise _Ended(Close.BAD_MESSAGE, "The payload of connection_init must be an object")
        shown = {name.lower(): value for name, value in (payload or {}).items()}.get("authorization")
        if not isinstance(shown, str | None):
            raise _Ended(Close.BAD_MESSAGE, "authorization must be a string")
        self._shown = self._shown if shown is None else shown
        try:
            await self._admit()
        except Unauthenticated as refusal:
            raise _unauthenticated(refusal) from refusal
        except RateLimited as refusal:
            raise _Ended(Close.TRY_AGAIN, refusal.message) from refusal
        self._stream.held_by(credential_of(self._shown), self.be_revoked)
        await self._send({"type": "connection_ack"})
        self._acknowledged = True

    async def _subscribe(self, key: str, request: dict[str, Any]) -> None:
        if not self._acknowledged:
            raise _Ended(Close.UNAUTHORIZED, "Unauthorized")
        if key in self._operations:
            raise _Ended(Close.ID_IN_USE, f"Subscriber for {key} already exists")
        try:
            operation = Operation.of(request)
        except RequestRefused as refusal:
            raise _Ended(Close.BAD_MESSAGE, refusal.message) from refusal
        if len(self._operations) >= MAX_OPERATIONS:
            message = f"At most {MAX_OPERATIONS} operations at once are allowed on one connection."
            refused = RequestRefused(429, ErrorCode.RATE_LIMITED, message)
            await self._send({"id": key, "type": "error", "payload": refused.errors})
            return
        self._operations[key] = asyncio.create_task(self._carry_out(key, operation))

    async def _carry_out(self, key: str, operation: Operation) -> None:
        """Sends the operation's results; what can't be told about it alone ends the connection."""
        try:
            await self._send_results(key, operation)
        except _Ended as ended:
            self._end(ended)
        except Unauthenticated as refusal:
            self._end(_unauthenticated(refusal))
        finally:
            if self._operations.get(key) is asyncio.current_task():
                del self._operations[key]

    async def _send_results(self, key: str, operation: Operation) -> None:
        """Each result, then that it is complete; or the error it ended with."""
        try:
            await self._admit()
            async with aclosing(self._api.stream(operation, self._shown)) as outcomes:
                async for outcome in outcomes:
                    await self._send(_result(key, outcome))
                    if not outcome.began:
                        return
        except (_Ended, Unauthenticated):
            raise
        except RateLimited as refusal:
            self._sent_too_much = True
            await self._send(_result(key, failure(refusal)))
        except Exception as error:  # noqa: BLE001 - whatever it is: failure() masks and logs it
            await self._send(_result(key, failure(error)))
        else:
            await self._send({"id": key, "type": "complete"})

    async def _admit(self) -> None:
        """The connection counts as a request, and each of its operations. Raises Unauthenticated, RateLimited."""
        self._viewer = await self._api.admit(self._shown, address_of(self._socket))

    async def _count(self) -> None:
        """So does any other message. One too many is no reason to end anything: what comes after it has to wait."""
        rates = self._api.rates
        try:
            await (rates.caller(self._viewer) if self._viewer else rates.stranger(address_of(self._socket)))
        except RateLimited:
            self._sent_too_much = True

    async def _send(self, message: dict[str, Any]) -> None:
        """Raises _Ended if the client does not read for SEND_PATIENCE_S."""
        try:
            async with asyncio.timeout(SEND_PATIENCE_S):
                await self._socket.send_text(orjson.dumps(message).decode())
        except TimeoutError as problem:
            raise _Ended(Close.TRY_AGAIN, "The connection is too slow") from problem
        except (WebSocketDisconnect, WebSocketDisconnected):
            return  # reading notices it too, and ends everything


def _result(key: str, outcome: Outcome) -> dict[str, Any]:
    if outcome.began:
        return {"id": key, "type": "next", "payload": outcome.body}
    return {"id": key, "type": "error", "payload": outcome.body["errors"]}


def _unauthenticated(refusal: Unauthenticated) -> _Ended:
    return _Ended(Close.FORBIDDEN if refusal.bad else Close.UNAUTHORIZED, refusal.message)


def _message(event: Any, longest: int) -> dict[str, Any]:
    """The message in an ASGI event. Raises WebSocketDisconnect, or _Ended where it is too long or no JSON object."""
    if event["type"] == "websocket.disconnect":
        raise WebSocketDisconnect(event.get("code", 1006), event.get("reason"))
    text = event.get("text")
    if text is None:
        raise _Ended(Close.BAD_MESSAGE, "Messages must be text")
    if len(text) > longest or too_many_values(text):
        raise _Ended(Close.TOO_BIG, "The message is too long")
    try:
        message = orjson.loads(text)
    except orjson.JSONDecodeError as problem:
        raise _Ended(Close.BAD_MESSAGE, "Messages must be JSON") from problem
    if not isinstance(message, dict):
        raise _Ended(Close.BAD_MESSAGE, "Messages must be JSON objects")
    return message
