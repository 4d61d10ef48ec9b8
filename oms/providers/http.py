"""The ports as an HTTP client of a service such as `python -m oms sandbox`."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import fields, is_dataclass, replace
from typing import Final, TypeVar
from urllib.parse import quote

import httpx
import orjson
from pydantic import ValidationError
from tenacity import AsyncRetrying, retry_if_exception_type, stop_after_attempt, wait_exponential_jitter

from oms.providers.calls import BOOK, CHARGE, INVOICE, QUOTE, REFUND, RELEASE, Keyed, ProviderCall, ReleaseRequest
from oms.providers.ports import (
    BookingAnswer,
    BookingRequest,
    ChargeAnswer,
    ChargeRequest,
    InvoiceAnswer,
    InvoiceRequest,
    KeyReused,
    ProviderUnavailable,
    QuoteAnswer,
    QuoteRequest,
    RefundRequest,
    RequestRejected,
)

ATTEMPTS: Final = 3

Request = TypeVar("Request", bound=Keyed | QuoteRequest)
Answer = TypeVar("Answer")


class HttpProviders:
    """BillingSystem, QuotingSystem and CourierSystem over HTTP, for use within one event loop.

    A call takes at most `timeout_s`. It is tried up to three times with the same key: again after a broken connection,
    a timeout, 5xx, or 409 (the first attempt is still running). After that it raises ProviderUnavailable.
    """

    def __init__(self, base_url: str, *, timeout_s: float, connections: int = 100) -> None:
        self._timeout_s = timeout_s
        verify = httpx.create_ssl_context()
        # One client for each connection: httpx's own pool scans all its connections and all waiting requests at
        # every step, which took 10 ms of CPU for each of 500 concurrent calls. Last in, first out, so that few
        # connections stay open in quiet times.
        self._clients = [
            httpx.AsyncClient(base_url=base_url, timeout=timeout_s / ATTEMPTS, verify=verify)
            for _ in range(connections)
        ]
        self._idle: asyncio.LifoQueue[httpx.AsyncClient] = asyncio.LifoQueue()
        for client in self._clients:
            self._idle.put_nowait(client)
        self._retrying = AsyncRetrying(
            retry=retry_if_exception_type(ProviderUnavailable),
            stop=stop_after_attempt(ATTEMPTS),
            wait=wait_exponential_jitter(multiplier=timeout_s / 20, max=timeout_s / 5, jitter=timeout_s / 20),
            reraise=True,
        )

    async def invoice(self, request: InvoiceRequest, /) -> InvoiceAnswer:
        return await self._call(INVOICE, request)

    async def quote(self, request: QuoteRequest, /) -> QuoteAnswer:
        return await self._call(QUOTE, request)

    async def charge(self, request: ChargeRequest, /) -> ChargeAnswer:
        return await self._call(CHARGE, request)

    async def refund(self, request: RefundRequest, /) -> None:
        return await self._call(REFUND, request)

    async def book(self, request: BookingRequest, /) -> BookingAnswer:
        return await self._call(BOOK, request)

    async def release(self, booking_key: str, /) -> None:
        return await self._call(RELEASE, ReleaseRequest(booking_key))

    async def aclose(self) -> None:
        for client in self._clients:
            await client.aclose()

    @asynccontextmanager
    async def _client(self) -> AsyncIterator[httpx.AsyncClient]:
        client = await self._idle.get()
        try:
            yield client
        finally:
            self._idle.put_nowait(client)

    async def _call(self, call: ProviderCall[Request, Answer], request: Request) -> Answer:
        try:
            async with asyncio.timeout(self._timeout_s), self._client() as client:
                # A copy, because one AsyncRetrying keeps the state of one call.
                return await self._retrying.copy()(_attempt, client, call, request)
        except TimeoutError as error:
            raise ProviderUnavailable(f"{call.name}: no answer within {self._timeout_s} s") from error


async def _attempt(client: httpx.AsyncClient, call: ProviderCall[Request, Answer], request: Request) -> Answer:
    try:
        response = await client.send(_build(client, call, request))
    except (httpx.RequestError, AttributeError) as error:
        # AttributeError: anyio's, under uvloop, if a connection is reset at the moment it is opened.
        raise ProviderUnavailable(f"{call.name}: {type(error).__name__}: {error}") from error
    if response.status_code in (400, 422):
        raise _rejection(call.name, response)
    if not response.is_success:
        raise ProviderUnavailable(f"{call.name}: HTTP {response.status_code}")
    try:
        return _storable(call.read_answer(response.content))
    except ValidationError as error:
        raise ProviderUnavailable(f"{call.name}: the answer cannot be parsed") from error


def _storable(answer: Answer) -> Answer:
    """Without NUL characters in its texts, which PostgreSQL cannot store: the effect must be recorded."""
    if not is_dataclass(answer) or isinstance(answer, type):
        return answer
    texts = {each.name: getattr(answer, each.name) for each in fields(answer)}
    clean = {name: text.replace("\0", "") for name, text in texts.items() if isinstance(text, str) and "\0" in text}
    return replace(answer, **clean) if clean else answer


def _build(client: httpx.AsyncClient, call: ProviderCall[Request, Answer], request: Request) -> httpx.Request:
    if isinstance(request, ReleaseRequest):
        return client.build_request("DELETE", call.path.format(key=quote(request.key, safe="")))
    headers = {"Content-Type": "application/json"}
    if not isinstance(request, QuoteRequest):
        headers["Idempotency-Key"] = f'"{request.key}"'
    body = call.body(request)
    return client.build_request("POST", call.path, content=body, headers=headers)


def _rejection(call: str, response: httpx.Response) -> RequestRejected:
    """The error of a problem document (RFC 9457); `code` is an extension of the sandbox."""
    try:
        problem = orjson.loads(response.content)
        code, detail = str(problem["code"]), str(problem["detail"])
    except (orjson.JSONDecodeError, KeyError, TypeError):
        code, detail = "INVALID", response.text[:200]
    message = f"{call}: {detail}"
    return KeyReused(message) if code == "KEY_REUSED" else RequestRejected(code, message)
