"""Bodies of requests and forms: read no further than to their bound, and not for ever."""

import asyncio
from typing import Final

from starlette.requests import Request

from oms.web.graphql_errors import RequestRefused, invalid

PATIENCE_S: Final = 30.0
"""How long a body may take to arrive."""

_KIB: Final = 1024


async def body_of(request: Request, *, most_bytes: int) -> bytes:
    """The whole body. Raises RequestRefused: 413 where it is longer, 408 where it does not arrive in time."""
    announced = request.headers.get("content-length", "")
    if announced.isdigit() and int(announced) > most_bytes:
        raise _too_large(most_bytes)
    body = bytearray()
    try:
        async with asyncio.timeout(PATIENCE_S):
            async for chunk in request.stream():
                body += chunk
                if len(body) > most_bytes:
                    raise _too_large(most_bytes)
    except TimeoutError as problem:
        message = f"The body did not arrive within {PATIENCE_S:.0f} s: send it again."
        raise invalid(message, status=408, headers={"Connection": "close"}) from problem
    return bytes(body)


def _too_large(most_bytes: int) -> RequestRefused:
    most_kib = most_bytes // _KIB
    most = f"{most_kib // _KIB} MiB" if most_kib >= _KIB else f"{most_kib} KiB"
    return invalid(f"The body is larger than {most}: send less at once.", status=413)
