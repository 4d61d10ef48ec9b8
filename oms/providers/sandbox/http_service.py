"""The sandbox as an HTTP service of its own: `python -m oms sandbox`.

POST /invoices, /charges, /refunds, /bookings     each with an Idempotency-Key header
POST /quotes                                      without one, because it has no effect
DELETE /bookings/{key}                            releases a booking for good
GET /calls?after=&limit=&key_prefix=              the log of calls, oldest first
GET /health

Errors are problem documents (RFC 9457) with a `code`. Idempotency follows the IETF draft "The Idempotency-Key HTTP
Header Field": 400 without a key, 422 for a key that was used with another body, 409 while the first request runs.
"""

import random
import re
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from http import HTTPStatus
from typing import Any, Final

import orjson
import structlog
import uvicorn
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route
from starlette.types import Receive, Scope, Send

from oms.platform.listening import listen, port_of
from oms.platform.settings import Settings
from oms.providers.calls import BOOK, CHARGE, INVOICE, QUOTE, REFUND, RELEASE, ProviderCall
from oms.providers.ports import ProviderUnavailable, RequestRejected
from oms.providers.sandbox.call_log import CallLog, LoggedCall
from oms.providers.sandbox.from_settings import call_log, sandbox_rules
from oms.providers.sandbox.sandbox import AnswerLost, Sandbox

KEY: Final = re.compile(r"[ !#-\[\]-~]{1,255}")
MAX_PAGE: Final = 1000
SHUTDOWN_TIMEOUT_S: Final = 5

log = structlog.get_logger(__name__)

Endpoint = Callable[[Request], Awaitable[Response]]


class Problem(Exception):
    """An error response."""

    def __init__(self, status: int, code: str, detail: str) -> None:
        super().__init__(detail)
        self.status, self.code = status, code


class SandboxApi:
    """The sandbox's endpoints."""

    def __init__(self, sandbox: Sandbox, calls: CallLog) -> None:
        self._sandbox = sandbox
        self._calls = calls
        self._running: set[tuple[str, str]] = set()

    def routes(self) -> list[Route]:
        posts = (
            (INVOICE, self._sandbox.invoice),
            (CHARGE, self._sandbox.charge),
            (REFUND, self._sandbox.refund),
            (BOOK, self._sandbox.book),
        )
        return [
            *(Route(call.path, self._post(call, serve), methods=["POST"]) for call, serve in posts),
            Route(QUOTE.path, self.quote, methods=["POST"]),
            Route("/bookings/{key:path}", self.release, methods=["DELETE"]),
            Route("/calls", self.list_calls, methods=["GET"]),
            Route("/health", self.health, methods=["GET"]),
        ]

    def _post(self, call: ProviderCall[Any, Any], serve: Callable[[Any], Awaitable[Any]]) -> Endpoint:
        async def endpoint(request: Request) -> Response:
            key = _idempotency_key(request)
            with self._exclusive(call.name, key):
                answer = await serve(call.read_body(key, await request.body()))
            return _json(200, call.answer_json(answer))

        return endpoint

    async def quote(self, request: Request) -> Response:
        answer = await self._sandbox.quote(QUOTE.read_body("", await request.body()))
        return _json(200, QUOTE.answer_json(answer))

    async def release(self, request: Request) -> Response:
        key = _checked_key(request.path_params["key"])
        with self._exclusive(RELEASE.name, key):
            await self._sandbox.release(key)
        return _json(200, RELEASE.answer_json(None))

    async def list_calls(self, request: Request) -> Response:
        limit = _number(request, "limit", default=100, minimum=1, maximum=MAX_PAGE)
        page = self._calls.page(
            after=_number(request, "after", default=0, minimum=0, maximum=2**63 - 1),
            limit=limit,
            key_prefix=request.query_params.get("key_prefix", ""),
        )
        next_after = page[-1].id if len(page) == limit else None
        return _json(200, orjson.dumps({"calls": [_as_json(call) for call in page], "next_after": next_after}))

    async def health(self, _: Request) -> Response:
        return _json(200, b'{"status":"ok"}')

    @contextmanager
    def _exclusive(self, call: str, key: str) -> Iterator[None]:
        """Runs one call with a key at a time. Raises Problem (409) if another is running."""
        if (call, key) in self._running:
            raise Problem(409, "KEY_IN_USE", "the first request with this key is still running")
        self._running.add((call, key))
        try:
            yield
        finally:
            self._running.remove((call, key))


class BrokenOffResponse(Response):
    """A response whose connection breaks before its body, to simulate a lost answer."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:  # noqa: ARG002 - ASGI's
        await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"100")]})


def build_app(sandbox: Sandbox, calls: CallLog) -> Starlette:
    """The service for a sandbox that logs to `calls`. It closes the sandbox when it stops."""

    @asynccontextmanager
    async def lifespan(_: Starlette) -> AsyncIterator[None]:
        yield
        await sandbox.aclose()

    return Starlette(
        routes=SandboxApi(sandbox, calls).routes(),
        lifespan=lifespan,
        exception_handlers=dict.fromkeys((Problem, RequestRejected, ProviderUnavailable, HTTPException), _as_response),
    )


def run(settings: Settings) -> None:
    """Serves on OMS_HOST and OMS_SANDBOX_PORT until it is stopped, with OMS_DATA_DIR/sandbox/sandbox.sqlite.

    Raises: CannotStart, for example if the port is in use.
    """
    listening = listen(settings.host, settings.sandbox_port, variable="OMS_SANDBOX_PORT")
    calls = call_log(settings)
    app = build_app(Sandbox(sandbox_rules(settings), calls), calls)
    config = uvicorn.Config(
        app,
        loop="uvloop",
        http="httptools",
        log_config=None,
        access_log=False,
        server_header=False,
        timeout_graceful_shutdown=SHUTDOWN_TIMEOUT_S,
    )
    log.info("Sandbox started", host=settings.host, port=port_of(listening))
    uvicorn.Server(config).run(sockets=[listening])


def _idempotency_key(request: Request) -> str:
    """The header's key. The draft requires a quoted string; a bare token is accepted, too."""
    header = request.headers.get("idempotency-key", "").strip()
    if not header:
        raise Problem(400, "KEY_MISSING", "this request needs an Idempotency-Key header")
    quoted = len(header) >= 2 and header[0] == header[-1] == '"'
    return _checked_key(header[1:-1] if quoted else header)


def _checked_key(key: str) -> str:
    if not KEY.fullmatch(key):
        raise Problem(400, "KEY_INVALID", "a key is 1 to 255 printable ASCII characters without quotes")
    return key


def _number(request: Request, name: str, *, default: int, minimum: int, maximum: int) -> int:
    given = request.query_params.get(name)
    if given is None:
        return default
    if not given.isdecimal() or not minimum <= int(given) <= maximum:
        raise Problem(400, "INVALID", f"{name} must be a number from {minimum} to {maximum}")
    return int(given)


def _as_json(call: LoggedCall) -> dict[str, Any]:
    entry = call.entry
    return {
        "id": call.id,
        "called_at": call.called_at,
        "operation": entry.operation,
        "key": entry.key,
        "outcome": entry.outcome.value,
        "request": orjson.Fragment(entry.request),
        "answer": None if entry.answer is None else orjson.Fragment(entry.answer),
        "error": entry.error,
        "answer_lost": entry.answer_lost,
    }


async def _as_response(_: Request, error: Exception) -> Response:
    """A lost answer is, by chance, a broken connection or a 500: in both cases the outcome is unknown to the client."""
    match error:
        case Problem():
            return _problem(error.status, error.code, str(error))
        case RequestRejected():
            return _problem(422, error.code, str(error))
        case AnswerLost() if random.random() < 0.5:  # noqa: S311 - needs no secrecy
            return BrokenOffResponse()
        case AnswerLost():
            return _problem(500, "UNKNOWN_OUTCOME", str(error))
        case ProviderUnavailable():
            return _problem(503, "UNAVAILABLE", str(error))
        case HTTPException():
            return _problem(error.status_code, "HTTP", error.detail)
        case _:
            raise error


def _problem(status: int, code: str, detail: str) -> Response:
    title = HTTPStatus(status).phrase
    body = {"type": "about:blank", "title": title, "status": status, "code": code, "detail": detail}
    return Response(orjson.dumps(body), status, media_type="application/problem+json")


def _json(status: int, body: bytes) -> Response:
    return Response(body, status, media_type="application/json")
