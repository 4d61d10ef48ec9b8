"""Bodies of requests and forms: read no further than to their bound, and not for ever."""

import asyncio
from typing import Final

from starlette.requests import ClientDisconnect, Request

from oms.web.graphql.errors import RequestRefused, invalid

PATIENCE_S: Final = 30.0
"""How long a body may take to arrive."""

HAS_ARRIVED: Final = "oms.body_has_arrived"
"""The extension of ASGI by which a connection says that it has the whole body: nothing of it need be waited for."""

_KIB: Final = 1024


async def body_of(request: Request, *, most_bytes: int) -> bytes:
    """The whole body. Raises RequestRefused: 413 where it is longer, 408 where it does not arrive in time."""
    announced = request.headers.get("content-length", "")
    if announced.isdigit() and int(announced) > most_bytes:
        raise _too_large(most_bytes)
    if HAS_ARRIVED in request.scope.get("extensions", ()):  # nearly always, and a clock costs more than the reading
        return await _read(request, most_bytes)
    try:
        async with asyncio.timeout(PATIENCE_S):
            return await _read(request, most_bytes)
    except TimeoutError as problem:
        message = f"The body did not arrive within {PATIENCE_S:.0f} s: send it again."
        raise invalid(message, status=408, headers={"Connection": "close"}) from problem


async def _read(request: Request, most_bytes: int) -> bytes:
    body = bytearray()
    more_comes = True
    while more_comes:
        message = await request.receive()
        if message["type"] == "http.disconnect":
            raise ClientDisconnect
        body += message.get("body", b"")
        if len(body) > most_bytes:
            raise _too_large(most_bytes)
        more_comes = message.get("more_body", False)
    return bytes(body)


def _too_large(most_bytes: int) -> RequestRefused:
    most_kib = most_bytes // _KIB
    limit = f"{most_kib // _KIB} MiB" if most_kib >= _KIB else f"{most_kib} KiB"
    return invalid(f"The body is larger than {limit}: send less at once.", status=413)
