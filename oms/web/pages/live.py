"""What a page shows has changed: one stream of events for each open page, over which no data goes, only that.

The page then asks for itself again, as the viewer, so nothing leaks and nothing is stale. A stream that is opened
again after a break rings at once, whatever happened meanwhile: nothing is missed.
"""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Mapping
from contextlib import aclosing, nullcontext
from typing import Final

from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response, StreamingResponse
from starlette.types import Receive, Scope, Send

from oms.domain.access.permissions import Operation, Viewer, may
from oms.domain.order_queries import orders
from oms.domain.vocabulary.ids import parse_order
from oms.platform.db import Database
from oms.web.auth.credentials import Credential
from oms.web.live.hub import LiveHub
from oms.web.live.open_streams import OpenStreams
from oms.web.pages.signing_in.session import Sessions
from oms.web.server.rates import RateLimited, Rates

NEEDS: Final[Mapping[str, Operation]] = {
    "order": Operation.READ_ORDER,
    "orders": Operation.READ_ORDERS,
    "shipments": Operation.READ_SHIPMENTS,
    "fraud": Operation.READ_FRAUD,
    "clock": Operation.READ_OPERATIONS,
}
"""What can be watched, and what that takes. The `clock` is for figures that no event announces."""

MAX_SOURCES: Final = 4

MERGE_S: Final = 0.2
"""Changes closer together than this are told as one."""

KEEP_ALIVE_S: Final = 10.0

_RING: Final = b"event: changed\ndata: {}\n\n"
_ALIVE: Final = b"event: alive\ndata: {}\n\n"
"""Not a comment, so that a page can tell a silent line from a lost one."""

_HEADERS: Final = {"X-Accel-Buffering": "no"}


class PageStreams:
    """GET /live?on=…, of what NEEDS names, an order with its id: `order ID`. Several are allowed."""

    def __init__(self, db: Database, hub: LiveHub, sessions: Sessions, streams: OpenStreams, rates: Rates) -> None:
        self._db = db
        self._hub = hub
        self._sessions = sessions
        self._streams = streams
        self._rates = rates

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        request = Request(scope, receive)
        try:
            viewer = await self._sessions.viewer(request)
            with self._rates.subscription(viewer) if viewer else nullcontext():
                await (await self._answer(request, viewer))(scope, receive, send)
        except RateLimited as refusal:
            response = Response(refusal.message, refusal.status, headers={**_HEADERS, **refusal.headers})
            await response(scope, receive, send)

    async def _answer(self, request: Request, viewer: Viewer | None) -> Response:
        credential = self._sessions.credential(request)
        if viewer is None or credential is None:
            return PlainTextResponse("Sign in first.", 401, headers=_HEADERS)
        asked = request.query_params.getlist("on")[:MAX_SOURCES]
        sources = [source for on in asked if (source := await self._source(viewer, on))]
        if not sources:
            return PlainTextResponse("Nothing to watch by this name.", 400, headers=_HEADERS)
        return StreamingResponse(self._events(credential, sources), media_type="text/event-stream", headers=_HEADERS)

    async def _source(self, viewer: Viewer, on: str) -> AsyncGenerator[None, None] | None:
        """None for what does not exist and for what is not the viewer's: when it changes concerns nobody else."""
        name, _, argument = on.partition(" ")
        if name not in NEEDS or not may(viewer, NEEDS[name]):
            return None
        order_id = parse_order(argument)
        match name:
            case "order" if order_id and await orders.of_ids(self._db, viewer, [order_id]):
                return self._hub.order(order_id)
            case "orders" | "shipments":
                return self._hub.orders_of(viewer.customer_reference)
            case "fraud":
                return self._hub.fraud_settings()
            case "clock":
                return _clock()
        return None

    async def _events(self, credential: Credential, sources: list[AsyncGenerator[None, None]]) -> AsyncIterator[bytes]:
        """Rings at once, so that a page opened or reconnected in between is up to date, then after every change."""
        rung, ended = asyncio.Event(), asyncio.Event()
        listening = [asyncio.create_task(_listen(source, rung)) for source in sources]
        for task in listening:
            # A source that fails, or ends, ends the stream: the page opens another and misses nothing.
            task.add_done_callback(lambda _: ended.set())
        try:
            with self._streams.open(ended.set) as stream:
                stream.held_by(credential, ended.set)
                while not ended.is_set():
                    yield _RING if await _either(rung, ended, KEEP_ALIVE_S) else _ALIVE
                    await asyncio.sleep(MERGE_S)
        finally:
            for task in listening:
                task.cancel()
            await asyncio.gather(*listening, return_exceptions=True)


async def _listen(source: AsyncGenerator[None, None], rung: asyncio.Event) -> None:
    async with aclosing(source):
        async for _ in source:
            rung.set()


async def _either(rung: asyncio.Event, ended: asyncio.Event, seconds: float) -> bool:
    """Whether something was rung before the time was up or the stream ended."""
    waiting = [asyncio.create_task(rung.wait()), asyncio.create_task(ended.wait())]
    await asyncio.wait(waiting, timeout=seconds, return_when=asyncio.FIRST_COMPLETED)
    for task in waiting:
        task.cancel()
    was_rung = rung.is_set()
    rung.clear()
    return was_rung


async def _clock() -> AsyncGenerator[None, None]:
    while True:
        yield
        await asyncio.sleep(2.0)
