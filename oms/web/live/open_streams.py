"""Open streams of this process (WebSockets and event streams): ended when the server stops, or when the credentials
that opened them are revoked.
"""

import asyncio
from collections import defaultdict
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import Final

import structlog

from oms.platform.faults.outages import is_outage
from oms.web.auth.authenticator import Authenticator
from oms.web.auth.credentials import Credential

log = structlog.get_logger(__name__)

END_TIMEOUT_S: Final = 1.0
CHECK_EVERY_S: Final = 2.0
"""A silent stream ends at most this long after its credentials were revoked."""


@dataclass(slots=True, eq=False)
class OpenStream:
    """One stream. Its credential may become known only after it was opened."""

    end: Callable[[], object]
    credential: Credential | None = None
    revoke: Callable[[], object] | None = None

    def held_by(self, credential: Credential, revoke: Callable[[], object]) -> None:
        """`revoke` is called from the event loop, perhaps twice, once the credential is no longer valid."""
        self.credential, self.revoke = credential, revoke


class OpenStreams:
    """All open streams, each with how to end it."""

    def __init__(self) -> None:
        self._open: set[OpenStream] = set()
        self._none_open = asyncio.Event()
        self._none_open.set()

    @contextmanager
    def open(self, end: Callable[[], object]) -> Iterator[OpenStream]:
        """Counts as open while the block runs. `end` is called from the event loop, perhaps twice; it must not wait."""
        stream = OpenStream(end)
        self._open.add(stream)
        self._none_open.clear()
        try:
            yield stream
        finally:
            self._open.remove(stream)
            if not self._open:
                self._none_open.set()

    async def end_all(self) -> None:
        """The server stops: ends all streams, and waits at most END_TIMEOUT_S for them."""
        for stream in list(self._open):
            stream.end()
        with suppress(TimeoutError):
            async with asyncio.timeout(END_TIMEOUT_S):
                await self._none_open.wait()

    async def end_revoked(self, authenticator: Authenticator) -> None:
        """Until cancelled: ends streams whose credentials were revoked or have expired, silent ones included."""
        while True:
            await asyncio.sleep(CHECK_EVERY_S)
            try:
                await self._check(authenticator)
            except Exception as error:
                if is_outage(error):
                    log.warning("Checking the credentials of open streams waits for the database", error=repr(error))
                else:
                    log.error("Checking the credentials of open streams failed", exc_info=error)

    async def _check(self, authenticator: Authenticator) -> None:
        by_credential: defaultdict[Credential, list[OpenStream]] = defaultdict(list)
        for stream in self._open:
            if stream.credential:
                by_credential[stream.credential].append(stream)
        if by_credential:
            for credential in await authenticator.revoked_of(by_credential):
                for stream in by_credential[credential]:
                    if stream.revoke:
                        stream.revoke()

    def __len__(self) -> int:
        return len(self._open)
