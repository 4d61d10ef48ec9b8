"""Billing and courier behind HTTP: the ports as a client of a service such as `python -m oms sandbox`."""

import asyncio
from typing import Final, TypeVar
from urllib.parse import quote

import httpx
import orjson
from pydantic import ValidationError
from tenacity import AsyncRetrying, retry_if_exception_type, stop_after_attempt, wait_exponential_jitter

from oms.providers.operations import BOOK, CHARGE, INVOICE, REFUND, RELEASE, Keyed, Operation, ReleaseRequest
from oms.providers.ports import (
    BookingAnswer,
    BookingRequest,
    ChargeAnswer,
    ChargeRequest,
    InvoiceAnswer,
    InvoiceRequest,
    KeyReused,
    ProviderUnavailable,
    RefundRequest,
    RequestRejected,
)

ATTEMPTS: Final = 3

Asked = TypeVar("Asked", bound=Keyed)
Answered = TypeVar("Answered")


class HttpProviders:
    """BillingSystem and CourierService over HTTP, for use within one event loop.

    A call takes at most `timeout_s`, in which it is tried up to three times with the same key: again after a
    broken connection, silence, 5xx, or 409 (the first try is still being carried out). After that it is
    ProviderUnavailable.
    """

    def __init__(self, base_url: str, *, timeout_s: float, connections: int = 100) -> None:
        self._timeout_s = timeout_s
        self._client = httpx.AsyncClient(
            base_url=base_url,
            timeout=timeout_s / ATTEMPTS,
            limits=httpx.Limits(max_connections=connections, max_keepalive_connections=connections),
        )
        self._retrying = AsyncRetrying(
            retry=retry_if_exception_type(ProviderUnavailable),
            stop=stop_after_attempt(ATTEMPTS),
            wait=wait_exponential_jitter(multiplier=timeout_s / 20, max=timeout_s / 5, jitter=timeout_s / 20),
            reraise=True,
        )

    async def invoice(self, request: InvoiceRequest, /) -> InvoiceAnswer:
        return await self._call(INVOICE, request)

    async def charge(self, request: ChargeRequest, /) -> ChargeAnswer:
        return await self._call(CHARGE, request)

    async def refund(self, request: RefundRequest, /) -> None:
        return await self._call(REFUND, request)

    async def book(self, request: BookingRequest, /) -> BookingAnswer:
        return await self._call(BOOK, request)

    async def release(self, booking_key: str, /) -> None:
        return await self._call(RELEASE, ReleaseRequest(booking_key))

    async def aclose(self) -> None:
        await self._client.aclose()

    async def _call(self, operation: Operation[Asked, Answered], request: Asked) -> Answered:
        try:
            async with asyncio.timeout(self._timeout_s):
                # A copy, because one AsyncRetrying keeps the state of one call.
                return await self._retrying.copy()(self._try_once, operation, request)
        except TimeoutError as error:
            raise ProviderUnavailable(f"{operation.name}: no answer within {self._timeout_s} s") from error

    async def _try_once(self, operation: Operation[Asked, Answered], request: Asked) -> Answered:
        try:
            response = await self._client.send(self._build(operation, request))
        except httpx.TransportError as error:
            raise ProviderUnavailable(f"{operation.name}: {type(error).__name__}: {error}") from error
        if response.status_code in (400, 422):
            raise _rejection(operation.name, response)
        if not response.is_success:
            raise ProviderUnavailable(f"{operation.name}: HTTP {response.status_code}")
        try:
            return operation.read_answer(response.content)
        except ValidationError as error:
            raise ProviderUnavailable(f"{operation.name}: an answer nobody understands") from error

    def _build(self, operation: Operation[Asked, Answered], request: Asked) -> httpx.Request:
        if operation.name == RELEASE.name:
            return self._client.build_request("DELETE", operation.path.format(key=quote(request.key, safe="")))
        headers = {"Idempotency-Key": f'"{request.key}"', "Content-Type": "application/json"}
        body = operation.body(request)
        return self._client.build_request("POST", operation.path, content=body, headers=headers)


def _rejection(operation: str, response: httpx.Response) -> RequestRejected:
    """What a problem document (RFC 9457) says; its `code` is the sandbox's own addition."""
    try:
        problem = orjson.loads(response.content)
        code, detail = str(problem["code"]), str(problem["detail"])
    except (orjson.JSONDecodeError, KeyError, TypeError):
        code, detail = "INVALID", response.text[:200]
    message = f"{operation}: {detail}"
    return KeyReused(message) if code == "KEY_REUSED" else RequestRejected(code, message)
