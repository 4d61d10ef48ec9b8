"""GraphQL over WebSockets at /graphql: connections, and the tasks of their operations.

`websocket_protocol` decides; this performs. An operation holds one result at a time. Results are encoded and written
one after the other, each when the socket's buffer has room. So a slow client slows down its own sources.
"""

import asyncio
from contextlib import aclosing
from typing import Final

import orjson
import structlog
from starlette.types import Receive, Scope
from starlette.types import Send as AsgiSend
from starlette.websockets import WebSocket, WebSocketDisconnect, WebSocketDisconnected, WebSocketState

from oms.domain.access.permissions import Viewer
from oms.platform.tasks import child
from oms.web.auth.authenticator import Unauthenticated, credential_of
from oms.web.auth.credentials import Presented, SessionSecret
from oms.web.auth.same_origin import has_own_origin
from oms.web.errors.codes import Close
from oms.web.errors.refusals import refusal_of
from oms.web.graphql.api import Api, failure
from oms.web.graphql.request import GraphQLRequest
from oms.web.graphql.websocket_protocol import (
    REVOKED,
    SERVER_STOPS,
    SUBPROTOCOL,
    TOO_SLOW,
    Action,
    Authenticate,
    Cancel,
    CloseSocket,
    Count,
    Message,
    Protocol,
    Send,
    Start,
    complete_message,
    next_message,
)
from oms.web.live.open_streams import OpenStream, OpenStreams
from oms.web.server.connections.websocket import acknowledge
from oms.web.server.rate_limits import RateLimited, client_address
from oms.web.server.responses import refusal_response

log = structlog.get_logger(__name__)

INIT_TIMEOUT_S: Final = 10.0
SEND_TIMEOUT_S: Final = 30.0
"""The longest that a result waits, behind others of its connection, too. Then the client is disconnected."""

PAUSE_S: Final = 1.0
"""After a client exceeded its rate limit, nothing is read from it for this long."""

_CLOSE_TIMEOUT_S: Final = 1.0
_MAX_REASON: Final = 120


class WebSocketEndpoint:
    """The ASGI application of /graphql for WebSockets. Browsers may connect from this server's pages only."""

    def __init__(self, api: Api, streams: OpenStreams) -> None:
        self._api = api
        self._streams = streams

    async def __call__(self, scope: Scope, receive: Receive, send: AsgiSend) -> None:
        socket = WebSocket(scope, receive, send)
        from_own_page = has_own_origin(socket)
        if not from_own_page and "origin" in socket.headers:  # only browsers send one
            await socket.close()  # before it is accepted: HTTP 403
            return
        try:
            await self._api.rate_limits.count_anonymous(client_address(socket))
        except RateLimited as refusal:
            await socket.send_denial_response(refusal_response(refusal))
            return
        if SUBPROTOCOL not in socket.scope["subprotocols"]:
            await socket.accept()
            await socket.close(Close.UNKNOWN_SUBPROTOCOL, f"The subprotocol is {SUBPROTOCOL}.")
            return
        await socket.accept(SUBPROTOCOL)
        session = self._api.authenticator.cookie.read(socket) if from_own_page else None
        connection = _Connection(socket, self._api, session)
        with self._streams.open(lambda: connection.end(SERVER_STOPS)) as stream:
            await connection.serve(stream)


class _Connection:
    """One client. `session` is that of the page that connected, used unless the client sends credentials."""

    def __init__(self, socket: WebSocket, api: Api, session: SessionSecret | None) -> None:
        self._socket = socket
        self._api = api
        self._presented: Presented = session
        self._protocol = Protocol()
        self._viewer: Viewer | None = None
        self._must_pause = False
        self._sending = asyncio.Lock()
        self._tasks: dict[str, asyncio.Task[None]] = {}
        self._closing: asyncio.Future[CloseSocket] = asyncio.get_running_loop().create_future()

    def end(self, close: CloseSocket) -> None:
        if not self._closing.done():
            self._closing.set_result(close)

    async def serve(self, stream: OpenStream) -> None:
        """Until either side ends the connection; cancels what still runs then."""
        self._stream = stream
        reading = child(self._read())
        init_timeout = child(self._time_out_init())
        try:
            await asyncio.wait((reading, self._closing), return_when=asyncio.FIRST_COMPLETED)
        finally:
            tasks = (reading, init_timeout, *self._tasks.values())
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
        if self._closing.done():
            await self._close(self._closing.result())

    async def _close(self, close: CloseSocket) -> None:
        if self._socket.client_state is not WebSocketState.CONNECTED:
            return
        try:
            async with asyncio.timeout(_CLOSE_TIMEOUT_S):  # the client may not be reading
                await self._socket.close(close.code, close.reason[:_MAX_REASON])
        except (TimeoutError, WebSocketDisconnect, WebSocketDisconnected):
            log.debug("The client disconnected before its connection was closed", code=int(close.code))

    async def _time_out_init(self) -> None:
        await asyncio.sleep(INIT_TIMEOUT_S)
        await self._perform(self._protocol.init_timed_out())

    async def _read(self) -> None:
        try:
            while (event := await self._socket.receive())["type"] != "websocket.disconnect":
                await self._perform(self._protocol.receive(event.get("text")))
                if self._must_pause:
                    self._must_pause = False
                    await asyncio.sleep(PAUSE_S)
        except Exception as error:  # noqa: BLE001 - refusal_of() logs and masks bugs
            self.end(CloseSocket.of(refusal_of(error)))

    async def _perform(self, actions: list[Action]) -> None:
        for action in actions:
            match action:
                case Authenticate(authorization):
                    await self._authenticate(authorization)
                case Count():
                    await self._count()
                case Send(message):
                    await self._send(message)
                case Start(key, request):
                    self._tasks[key] = child(self._run(key, request))
                case Cancel(key):
                    if task := self._tasks.pop(key, None):  # else it has finished meanwhile
                        task.cancel()
                case CloseSocket():
                    self.end(action)

    async def _authenticate(self, authorization: str | None) -> None:
        if authorization is not None:
            self._presented = authorization
        await self._admit()
        self._stream.held_by(credential_of(self._presented), lambda: self.end(REVOKED))
        acknowledge(self._socket.scope)
        await self._perform(self._protocol.authenticated())

    async def _admit(self) -> None:
        """Authenticates and counts a request. Raises Unauthenticated, RateLimited."""
        self._viewer = await self._api.admit(self._presented, client_address(self._socket))

    async def _count(self) -> None:
        """Above the limit, reading pauses: the client's messages wait, and nothing ends."""
        limits = self._api.rate_limits
        try:
            if self._viewer:
                await limits.count_request(self._viewer)
            else:
                await limits.count_anonymous(client_address(self._socket))
        except RateLimited:
            self._must_pause = True

    async def _run(self, key: str, request: GraphQLRequest) -> None:
        """One operation. Invalid credentials end the connection, any other error only the operation."""
        try:
            await self._admit()
            address = client_address(self._socket)
            async with aclosing(self._api.stream(request, self._presented, address)) as outcomes:
                async for outcome in outcomes:
                    await self._send(next_message(key, outcome))
                    if not outcome.executed:
                        return
            await self._send(complete_message(key))
        except Unauthenticated as refusal:
            self.end(CloseSocket.of(refusal))
        except Exception as error:  # noqa: BLE001 - failure() logs and masks bugs
            self._must_pause |= isinstance(error, RateLimited)
            await self._send(next_message(key, failure(error)))
        finally:
            if self._tasks.get(key) is asyncio.current_task():
                del self._tasks[key]
                self._protocol.finished(key)

    async def _send(self, message: Message) -> None:
        try:
            async with asyncio.timeout(SEND_TIMEOUT_S), self._sending:
                await self._socket.send_text(orjson.dumps(message).decode())
        except TimeoutError:
            self.end(TOO_SLOW)
        except (WebSocketDisconnect, WebSocketDisconnected):
            return  # _read() notices it too, and ends the connection
