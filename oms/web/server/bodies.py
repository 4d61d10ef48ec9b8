"""Request bodies, read up to a size limit and within a time limit."""

import asyncio
from typing import Final

from starlette.requests import ClientDisconnect, Request

from oms.web.errors.refusals import RequestRefused, invalid

BODY_TIMEOUT_S: Final = 30.0
BODY_COMPLETE: Final = "oms.body_complete"
"""An ASGI extension: the connection has already received the whole body."""

_KIB: Final = 1024


async def read_body(request: Request, *, max_bytes: int) -> bytes:
    """The whole body. Raises RequestRefused: 413 if it is longer, 408 if it does not arrive in time."""
    announced = request.headers.get("content-length", "")
    if announced.isdigit() and int(announced) > max_bytes:
        raise _too_large(max_bytes)
    if BODY_COMPLETE in request.scope.get("extensions", ()):  # the usual case; a timeout costs more than reading
        return await _read(request, max_bytes)
    try:
        async with asyncio.timeout(BODY_TIMEOUT_S):
            return await _read(request, max_bytes)
    except TimeoutError as problem:
        message = f"The body did not arrive within {BODY_TIMEOUT_S:.0f} s: send it again."
        raise invalid(message, status=408, headers={"Connection": "close"}) from problem


async def _read(request: Request, max_bytes: int) -> bytes:
    body = bytearray()
    has_more = True
    while has_more:
        message = await request.receive()
        if message["type"] == "http.disconnect":
            raise ClientDisconnect
        body += message.get("body", b"")
        if len(body) > max_bytes:
            raise _too_large(max_bytes)
        has_more = message.get("more_body", False)
    return bytes(body)


def _too_large(max_bytes: int) -> RequestRefused:
    kib = max_bytes // _KIB
    limit = f"{kib // _KIB} MiB" if kib >= _KIB else f"{kib} KiB"
    return invalid(f"The body is larger than {limit}: send less at once.", status=413)
