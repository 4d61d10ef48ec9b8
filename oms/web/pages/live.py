"""Live pages: an event stream per open page says that something changed, and carries no data.

The page then reloads itself as its viewer, so nothing leaks and nothing is stale. A new stream signals a change at
once, so a page misses nothing while it reconnects.
"""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Mapping
from contextlib import aclosing, nullcontext, suppress
from typing import Final

from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response, StreamingResponse
from starlette.types import Receive, Scope, Send

from oms.domain.access.permissions import Viewer, may
from oms.domain.fraud.policy import FraudPermission
from oms.domain.notes.policy import NotePermission
from oms.domain.order.policy import OrderPermission
from oms.domain.order_queries import orders
from oms.domain.vocabulary.ids import parse_order
from oms.domain.vocabulary.permission import Permission
from oms.domain.work.policy import WorkPermission
from oms.platform.db import Database
from oms.platform.tasks import cancelled, detached
from oms.web.auth.credentials import Credential
from oms.web.live.hub import LiveHub
from oms.web.live.open_streams import OpenStreams
from oms.web.pages.account.session import Sessions
from oms.web.server.rate_limits import RateLimited, RateLimits

NEEDS: Final[Mapping[str, Permission]] = {
    "order": OrderPermission.READ_ORDER,
    "notes": NotePermission.READ_NOTES,
    "orders": OrderPermission.READ_ORDERS,
    "shipments": OrderPermission.READ_SHIPMENTS,
    "fraud": FraudPermission.READ_FRAUD,
    "clock": WorkPermission.READ_OPERATIONS,
    "minute": WorkPermission.READ_OPERATIONS,
}
"""The sources, and the permission that each needs. `clock` and `minute` tick: some figures change without an event."""

MAX_SOURCES: Final = 4

MERGE_S: Final = 0.2
"""Changes within this time are merged; the first is signalled at once."""

LIST_MERGE_S: Final = 2.0
"""The same for lists: in a busy shop something in them changes all the time."""

_LISTS: Final = frozenset({"orders", "shipments"})

CLOCK_S: Final = 2.0
MINUTE_S: Final = 30.0
"""For figures that take longer to compute, and of which nobody needs each second."""

KEEP_ALIVE_S: Final = 10.0

_CHANGED: Final = b"event: changed\ndata: {}\n\n"
_ALIVE: Final = b"event: alive\ndata: {}\n\n"
"""An event and not a comment, so that a page can tell a silent connection from a lost one."""

_HEADERS: Final = {"X-Accel-Buffering": "no"}


class PageStreams:
    """GET /live?on=…, with the names of NEEDS; an order and its notes with its id: `order ID`. `on` may be repeated."""

    def __init__(
        self, db: Database, hub: LiveHub, sessions: Sessions, streams: OpenStreams, rate_limits: RateLimits
    ) -> None:
        self._db = db
        self._hub = hub
        self._sessions = sessions
        self._streams = streams
        self._rate_limits = rate_limits

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        request = Request(scope, receive)
        try:
            viewer = await self._sessions.viewer(request)
            with self._rate_limits.subscription(viewer) if viewer else nullcontext():
                await (await self._respond(request, viewer))(scope, receive, send)
        except RateLimited as refusal:
            response = Response(refusal.message, refusal.status, headers={**_HEADERS, **refusal.headers})
            await response(scope, receive, send)

    async def _respond(self, request: Request, viewer: Viewer | None) -> Response:
        credential = self._sessions.credential(request)
        if viewer is None or credential is None:
            return PlainTextResponse("Sign in first.", 401, headers=_HEADERS)
        names = request.query_params.getlist("on")[:MAX_SOURCES]
        sources = [source for on in names if (source := await self._source(viewer, on))]
        if not sources:
            return PlainTextResponse("There is no such source.", 400, headers=_HEADERS)
        merge_s = LIST_MERGE_S if _LISTS.intersection(names) else MERGE_S
        events = self._events(credential, sources, merge_s)
        return StreamingResponse(events, media_type="text/event-stream", headers=_HEADERS)

    async def _source(self, viewer: Viewer, on: str) -> AsyncGenerator[None, None] | None:
        """None if it does not exist or the viewer may not read it: also the time of a change is confidential."""
        name, _, argument = on.partition(" ")
        if name not in NEEDS or not may(viewer, NEEDS[name]):
            return None
        order_id = parse_order(argument)
        match name:
            case "order" if order_id and await orders.of_ids(self._db, viewer, [order_id]):
                return self._hub.order(order_id)
            case "notes" if order_id:
                return self._hub.notes(order_id)
            case "orders" | "shipments":
                return self._hub.orders_of(viewer.customer_reference)
            case "fraud":
                return self._hub.fraud_settings()
            case "clock":
                return _clock(CLOCK_S)
            case "minute":
                return _clock(MINUTE_S)
        return None

    async def _events(
        self, credential: Credential, sources: list[AsyncGenerator[None, None]], merge_s: float
    ) -> AsyncIterator[bytes]:
        """Signals a change at once, so that a page that has just (re)connected is up to date, then each change."""
        signals = _Signals(len(sources))
        listening = [detached("live page", _listen(source, signals)) for source in sources]
        for task in listening:
            # A source that ends or fails ends the stream: the page opens another one and misses nothing.
            task.add_done_callback(lambda _: signals.end())
        try:
            with self._streams.open(signals.end) as stream:
                stream.held_by(credential, signals.end)
                while not signals.has_ended:
                    yield _CHANGED if await signals.change_within(KEEP_ALIVE_S) else _ALIVE
                    await asyncio.sleep(merge_s)
        finally:
            await cancelled(listening)


class _Signals:
    """What an open page waits for: a change, or the end of its stream.

    One event for both, so that waiting needs no tasks: those of a page that has gone would never be awaited.
    `starting`: sources whose first ring, which each has at once, is still awaited. They are one change together, else
    a page that is opened would load itself again for each of them.
    """

    def __init__(self, starting: int) -> None:
        self.has_ended = False
        self._starting = starting
        self._has_changed = False
        self._signalled = asyncio.Event()

    def start(self) -> None:
        """A source is listened to from now on."""
        self._starting -= 1
        self.change()

    def change(self) -> None:
        if self._starting:
            return
        self._has_changed = True
        self._signalled.set()

    def end(self) -> None:
        self.has_ended = True
        self._signalled.set()

    async def change_within(self, seconds: float) -> bool:
        """Whether something changed before the time was up or the stream ended."""
        with suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self._signalled.wait()
        has_changed, self._has_changed = self._has_changed, False
        self._signalled.clear()
        return has_changed


async def _listen(source: AsyncGenerator[None, None], signals: _Signals) -> None:
    async with aclosing(source):
        await anext(source)
        signals.start()
        async for _ in source:
            signals.change()


async def _clock(seconds: float) -> AsyncGenerator[None, None]:
    while True:
        yield
        await asyncio.sleep(seconds)
