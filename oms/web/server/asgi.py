"""The ASGI application around API and pages: allowed hosts, security headers, request metrics, health checks and
unknown addresses.
"""

import asyncio
import time
from collections.abc import Awaitable, Mapping
from functools import partial
from http import HTTPStatus
from typing import Any, Final, Protocol

from sqlalchemy import text
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from oms.platform.db import Database
from oms.platform.faults.outages import RETRY_AFTER_S, ServerStopping, is_outage
from oms.platform.locale.language import preferred, speak
from oms.platform.locale.time_zone import show_times_in
from oms.platform.settings import Settings
from oms.web.errors.codes import ErrorCode
from oms.web.errors.refusals import RequestRefused, invalid, refusal_of
from oms.web.server.headers import SecurityHeaders
from oms.web.server.hosts import AllowedHosts
from oms.web.server.metrics import ProcessMetrics
from oms.web.server.negotiation import prefers_html
from oms.web.server.responses import json_response, refusal_response

READY_CACHE_S: Final = 1.0
"""`/ready` needs no credentials, so its result is cached: requests for it can't load the database."""


class ErrorPage(Protocol):
    """Answers a person's request with the page of an error."""

    async def __call__(self, request: Request, status: int) -> Response: ...

    def refused(self, request: Request, refusal: RequestRefused) -> Response:
        """At once, without the database."""


_RETRY_AFTER: Final = (b"retry-after", b"%d" % RETRY_AFTER_S)
_RESPONSE_STARTS: Final = frozenset({"http.response.start", "websocket.http.response.start"})


class Application(Starlette):
    """Starlette's application with what applies to every response, those to its own errors included.

    One layer does all of it, because each middleware that wraps `send` costs as much as this one. Requests whose kind
    and path are in `shortcuts` skip Starlette's middleware and routing: 10 µs, and 3 KB per open WebSocket.
    """

    def __init__(
        self,
        settings: Settings,
        metrics: ProcessMetrics,
        *,
        shortcuts: Mapping[tuple[str, str], ASGIApp] | None = None,
        error_page: ErrorPage | None = None,
        **options: Any,
    ) -> None:
        """`error_page`: for people; programs get the same errors in the API's form."""
        answer = partial(_answer, error_page)
        super().__init__(exception_handlers={HTTPException: answer, Exception: refuse}, **options)
        self._error_page = error_page
        self._metrics = metrics
        self._shortcuts = shortcuts or {}
        self._allowed_hosts = AllowedHosts(settings.allowed_hosts)
        self._security_headers = SecurityHeaders(https=not settings.demo)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            await super().__call__(scope, receive, send)
            return
        response = _ObservedResponse(send, self._security_headers)
        started_s = time.perf_counter()
        speak(preferred(_accept_language(scope)))
        show_times_in(None)
        try:
            await self._app_for(scope)(scope, receive, response.send)
        except asyncio.CancelledError:
            # The server stops, and waits no longer. Without an answer, uvicorn would send one of its own: 500, as text.
            if scope["type"] != "http" or response.has_started or not _is_cancelled():
                raise
            await self._tell_of_stop(Request(scope))(scope, receive, response.send)
        except Exception as error:
            # Starlette answers an error and then raises it again, for the log. An outage has been logged and is no bug.
            if not (response.status == HTTPStatus.SERVICE_UNAVAILABLE and is_outage(error)):
                raise
        finally:
            if scope["type"] == "http":
                duration_s = None if response.is_stream else time.perf_counter() - started_s
                self._metrics.count(scope["path"], scope["method"], response.status, duration_s)

    def _tell_of_stop(self, request: Request) -> Response:
        refusal = refusal_of(ServerStopping())
        if self._error_page and prefers_html(request):
            return self._error_page.refused(request, refusal)
        return refusal_response(refusal)

    def _app_for(self, scope: Scope) -> ASGIApp:
        if not self._allowed_hosts.allow(scope["headers"]):
            return _MISDIRECTED
        return self._shortcuts.get((scope["type"], scope["path"])) or super().__call__


def _is_cancelled() -> bool:
    """Whether the request itself was, rather than something that it waits for."""
    task = asyncio.current_task()
    return task is not None and task.cancelling() > 0


def _accept_language(scope: Scope) -> str:
    for name, value in scope["headers"]:
        if name == b"accept-language":
            return str(value, "latin-1")
    return ""


_MISDIRECTED: Final = refusal_response(
    invalid("This server does not answer to this host name. If it is yours, add it to OMS_ALLOWED_HOSTS.", status=421)
)


class _ObservedResponse:
    """Adds the security headers, and to 503 when to retry; notes the status: 500 unless a response starts."""

    __slots__ = ("_security_headers", "_send", "has_started", "is_stream", "status")

    def __init__(self, send: Send, security_headers: SecurityHeaders) -> None:
        self._send = send
        self._security_headers = security_headers
        self.status = 500
        self.is_stream = False
        self.has_started = False

    def send(self, message: Message) -> Awaitable[None]:
        if message["type"] in _RESPONSE_STARTS:
            headers = dict(message["headers"])
            self.status = message["status"]
            self.has_started = True
            self.is_stream = headers.get(b"content-type", b"").startswith(b"text/event-stream")
            added = self._security_headers.missing_from(headers)
            if self.status == HTTPStatus.SERVICE_UNAVAILABLE and b"retry-after" not in headers:
                added.append(_RETRY_AFTER)
            message = {**message, "headers": [*message["headers"], *added]}
        return self._send(message)


def probe_routes(db: Database) -> list[BaseRoute]:
    """`/health` and `/ready`, for monitoring and load balancers."""
    return [
        Route("/health", _health),
        Route("/ready", _Readiness(db).respond),
    ]


class _Readiness:
    """Whether the database answers; simultaneous requests share one check."""

    def __init__(self, db: Database) -> None:
        self._db = db
        self._refusal: RequestRefused | None = None
        self._cached_until_s = 0.0
        self._lock = asyncio.Lock()

    async def respond(self, _request: Request) -> Response:
        async with self._lock:
            if self._cached_until_s <= time.monotonic():
                self._refusal = await self._check()
                self._cached_until_s = time.monotonic() + READY_CACHE_S
            refusal = self._refusal
        return refusal_response(refusal) if refusal else json_response({"status": "ready"}, 200)

    async def _check(self) -> RequestRefused | None:
        try:
            async with self._db.reading() as conn:
                await conn.execute(text("SELECT 1"))
        except Exception as error:  # noqa: BLE001 - refusal_of() logs and masks bugs
            return refusal_of(error)
        return None


async def _health(_request: Request) -> Response:
    return json_response({"status": "alive"}, 200)


async def _answer(error_page: ErrorPage | None, request: Request, error: Exception) -> Response:
    if error_page and isinstance(error, HTTPException) and prefers_html(request):
        return await error_page(request, error.status_code)
    return await refuse(request, error)


async def refuse(_request: Request, error: Exception) -> Response:
    """An error outside of the API, in the API's form."""
    if not isinstance(error, HTTPException):
        return refusal_response(refusal_of(error))
    code = ErrorCode.NOT_FOUND if error.status_code == 404 else ErrorCode.INVALID
    return refusal_response(RequestRefused(code, error.detail, status=error.status_code, headers=error.headers))
