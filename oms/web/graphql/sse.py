"""Results as server-sent events: the protocol graphql-sse, distinct connections mode.

Source: the graphql-sse protocol, "Distinct connections mode". There are no event ids: a client resumes by the
cursor that the subscription itself yields (orderEvents: `after`).
"""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import aclosing, suppress
from typing import Final

import orjson
import structlog
from starlette.types import Receive, Scope, Send

from oms.platform.tasks import child
from oms.web.auth.authenticator import Unauthenticated
from oms.web.auth.credentials import Credential
from oms.web.graphql.api import Outcome, failure
from oms.web.live.open_streams import OpenStreams

log = structlog.get_logger(__name__)

KEEP_ALIVE_S: Final = 12.0
SEND_TIMEOUT_S: Final = 30.0
"""A client that does not read for this long is disconnected."""

_COMPLETE: Final = b"event: complete\ndata:\n\n"
_COMMENT: Final = b":\n\n"
_REVOKED: Final = "Your credentials are no longer valid: send others, or sign in again."
_START: Final = {
    "type": "http.response.start",
    "status": 200,
    "headers": [
        (b"content-type", b"text/event-stream; charset=utf-8"),
        (b"x-accel-buffering", b"no"),
    ],
}


class _TooSlow(Exception):
    """The client does not read."""


class EventStream:
    """The ASGI response of one operation. Holds one result at a time: a slow client slows down its source."""

    def __init__(self, outcomes: AsyncGenerator[Outcome, None], credential: Credential, streams: OpenStreams) -> None:
        self._outcomes = outcomes
        self._credential = credential
        self._is_revoked = False
        self._streams = streams
        self._sent_at_s = 0.0

    async def __call__(self, _scope: Scope, receive: Receive, send: Send) -> None:
        await send(_START)
        await self._write(send, _COMMENT)
        writing = child(self._write_outcomes(send))
        disconnected = child(_disconnected(receive))
        try:
            with self._streams.open(writing.cancel) as stream, suppress(_TooSlow):
                stream.held_by(self._credential, lambda: self._revoke(writing))
                await self._keep_alive(send, until=(writing, disconnected))
        finally:
            for task in (writing, disconnected):
                task.cancel()
            await asyncio.gather(writing, disconnected, return_exceptions=True)
        if self._is_revoked:
            await self._write(send, _next(failure(Unauthenticated(_REVOKED, bad=True))) + _COMPLETE)
        await send({"type": "http.response.body", "body": b"", "more_body": False})

    def _revoke(self, writing: asyncio.Task[None]) -> None:
        self._is_revoked = True
        writing.cancel()

    async def _write_outcomes(self, send: Send) -> None:
        async with aclosing(self._outcomes) as outcomes:
            try:
                async for outcome in outcomes:
                    await self._write(send, _next(outcome))
            except _TooSlow:
                log.warning("Ended an event stream because its client does not read")
                return
            except Exception as error:  # noqa: BLE001 - failure() logs and masks bugs
                await self._write(send, _next(failure(error)))
            await self._write(send, _COMPLETE)

    async def _keep_alive(self, send: Send, until: tuple[asyncio.Task[None], ...]) -> None:
        """Sends a comment after each silence, so that no proxy drops the connection, until one of the tasks ends.

        Raises _TooSlow.
        """
        while True:
            silent_s = asyncio.get_running_loop().time() - self._sent_at_s
            if silent_s >= KEEP_ALIVE_S:
                await self._write(send, _COMMENT)
                continue
            timeout_s = KEEP_ALIVE_S - silent_s
            ended, _ = await asyncio.wait(until, timeout=timeout_s, return_when=asyncio.FIRST_COMPLETED)
            if ended:
                return

    async def _write(self, send: Send, chunk: bytes) -> None:
        """Raises _TooSlow if the client does not read for SEND_TIMEOUT_S."""
        try:
            async with asyncio.timeout(SEND_TIMEOUT_S):
                await send({"type": "http.response.body", "body": chunk, "more_body": True})
        except TimeoutError as problem:
            raise _TooSlow from problem
        self._sent_at_s = asyncio.get_running_loop().time()


def _next(outcome: Outcome) -> bytes:
    return b"event: next\ndata: " + orjson.dumps(outcome.body) + b"\n\n"


async def _disconnected(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass
