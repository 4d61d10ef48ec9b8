"""What stands around API and pages: what holds of every answer, whether the process lives and is ready, and what no
route answers.
"""

import asyncio
import time
from collections.abc import Awaitable, Mapping
from typing import Any, Final

from sqlalchemy import text
from sqlalchemy.exc import SQLAlchemyError
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from oms.platform.db import Database
from oms.platform.settings import Settings
from oms.web.graphql.errors import ErrorCode, RequestRefused, invalid, refusal_of
from oms.web.graphql.http import json_response, refusal_response
from oms.web.server.headers import SafeHeaders
from oms.web.server.hosts import OwnHosts
from oms.web.server.metrics import OwnFigures

READY_KEPT_S: Final = 1.0
"""How long `/ready` answers the same without asking the database: anybody may ask it, as often as they like."""

_CODES: Final = {404: ErrorCode.NOT_FOUND}
_STARTS: Final = frozenset({"http.response.start", "websocket.http.response.start"})


class Front(Starlette):
    """Starlette's application inside of what holds of every answer, those to its own failures included: it is given by
    our own names only, has the safe headers, and is counted.

    All of that is done here and not by a middleware each: a layer that wraps `send` costs as much as what it does.
    What comes by the kinds and paths of `shortcuts` goes past Starlette's own layers and its search for a route, which
    took 10 µs, and 3 KB for as long as a WebSocket is open.
    """

    def __init__(
        self,
        settings: Settings,
        figures: OwnFigures,
        *,
        shortcuts: Mapping[tuple[str, str], ASGIApp] | None = None,
        **options: Any,
    ) -> None:
        super().__init__(exception_handlers={HTTPException: refuse, Exception: refuse}, **options)
        self._figures = figures
        self._shortcuts = shortcuts or {}
        self._own_hosts = OwnHosts(settings.allowed_hosts)
        self._safe_headers = SafeHeaders(https=not settings.demo)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            await super().__call__(scope, receive, send)
            return
        answer = _Answer(send, self._safe_headers)
        began_s = time.perf_counter()
        try:
            await self._app_for(scope)(scope, receive, answer.send)
        finally:
            if scope["type"] == "http":
                seconds = None if answer.is_stream else time.perf_counter() - began_s
                self._figures.count(scope["path"], scope["method"], answer.status, seconds)

    def _app_for(self, scope: Scope) -> ASGIApp:
        if not self._own_hosts.include(scope["headers"]):
            return _MISDIRECTED
        return self._shortcuts.get((scope["type"], scope["path"])) or super().__call__


_MISDIRECTED: Final = refusal_response(
    invalid("Nothing answers here by this name. If it is yours, set OMS_ALLOWED_HOSTS.", status=421)
)


class _Answer:
    """Sends an answer with the safe headers, and notes what is counted of it. Failed, unless it says otherwise."""

    __slots__ = ("_safe_headers", "_send", "is_stream", "status")

    def __init__(self, send: Send, safe_headers: SafeHeaders) -> None:
        self._send = send
        self._safe_headers = safe_headers
        self.status = 500
        self.is_stream = False

    def send(self, message: Message) -> Awaitable[None]:
        if message["type"] in _STARTS:
            told = dict(message["headers"])
            self.status = message["status"]
            self.is_stream = told.get(b"content-type", b"").startswith(b"text/event-stream")
            message = {**message, "headers": [*message["headers"], *self._safe_headers.beside(told)]}
        return self._send(message)


def front_routes(db: Database) -> list[BaseRoute]:
    """`/health` and `/ready`, for what watches over the process."""
    return [
        Route("/health", _health),
        Route("/ready", _Readiness(db).tell),
    ]


class _Readiness:
    """Whether the database answers; however many ask at once, it is asked once."""

    def __init__(self, db: Database) -> None:
        self._db = db
        self._refusal: RequestRefused | None = None
        self._kept_until_s = 0.0
        self._asking = asyncio.Lock()

    async def tell(self, _request: Request) -> Response:
        async with self._asking:
            if self._kept_until_s <= time.monotonic():
                self._refusal = await self._asked()
                self._kept_until_s = time.monotonic() + READY_KEPT_S
            refusal = self._refusal
        return refusal_response(refusal) if refusal else json_response({"status": "ready"}, 200)

    async def _asked(self) -> RequestRefused | None:
        try:
            async with self._db.reading() as conn:
                await conn.execute(text("SELECT 1"))
        except (SQLAlchemyError, OSError) as error:
            return refusal_of(error)
        return None


async def _health(_request: Request) -> Response:
    return json_response({"status": "alive"}, 200)


async def refuse(_request: Request, error: Exception) -> Response:
    """What no route answers, in the same form as the API's refusals."""
    if not isinstance(error, HTTPException):
        return refusal_response(refusal_of(error))
    code = _CODES.get(error.status_code, ErrorCode.INVALID)
    return refusal_response(RequestRefused(error.status_code, code, error.detail, headers=error.headers))
