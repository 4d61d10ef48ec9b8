"""Servers that speak PostgreSQL's protocol just far enough to refuse: as one does that starts, is full, or dies."""

import asyncio
import struct
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Final

_SSL_REQUEST: Final = struct.pack("!II", 8, 80877103)

REFUSALS: Final = {
    "starting": ("57P03", "the database system is starting up"),
    "full": ("53300", "remaining connection slots are reserved for roles with the SUPERUSER attribute"),
    "dying": None,
}
"""SQLSTATE and message, or None: the connection is closed in the middle."""


@asynccontextmanager
async def refusing(refusal: tuple[str, str] | None) -> AsyncIterator[int]:
    """Its port."""

    async def refuse(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            if await reader.readexactly(8) == _SSL_REQUEST:
                writer.write(b"N")
                await reader.readexactly(8)
            await reader.read(4096)
            if refusal:
                writer.write(_error(*refusal))
            await writer.drain()
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        finally:
            writer.close()

    server = await asyncio.start_server(refuse, "127.0.0.1", 0)
    async with server:
        yield int(server.sockets[0].getsockname()[1])


def _error(state: str, message: str) -> bytes:
    fields = b"".join(kind + text.encode() + b"\0" for kind, text in ((b"S", "FATAL"), (b"C", state), (b"M", message)))
    return b"E" + struct.pack("!I", len(fields) + 5) + fields + b"\0"
