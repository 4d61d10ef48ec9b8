"""What stays open by itself, subscriptions over WebSockets and events: ended when the server stops, or when what
somebody showed to open them counts no more.
"""

import asyncio
from collections import defaultdict
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import Final

import structlog

from oms.platform.db import is_outage
from oms.web.auth.authenticator import Authenticator
from oms.web.auth.credentials import Credential

log = structlog.get_logger(__name__)

PATIENCE_S: Final = 1.0
LOOK_EVERY_S: Final = 2.0
"""How often it is looked whether what is open may stay so: silent streams end this long after a revocation."""


@dataclass(slots=True, eq=False)
class OpenStream:
    """One of them. Who holds it may become known only after it was opened."""

    end: Callable[[], object]
    credential: Credential | None = None
    revoke: Callable[[], object] | None = None

    def held_by(self, credential: Credential, revoke: Callable[[], object]) -> None:
        """`revoke` is called from the event loop, perhaps twice, once the credential counts no more."""
        self.credential, self.revoke = credential, revoke


class OpenStreams:
    """The open streams of one process, each with what ends it."""

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
        """The server stops: clients are told to come back. Waits, but not for long, until they were told."""
        for stream in list(self._open):
            stream.end()
        with suppress(TimeoutError):
            async with asyncio.timeout(PATIENCE_S):
                await self._none_open.wait()

    async def end_revoked(self, authenticator: Authenticator) -> None:
        """Until cancelled: ends what is open under credentials that were revoked or expired, however silent it is."""
        while True:
            await asyncio.sleep(LOOK_EVERY_S)
            try:
                await self._look(authenticator)
            except Exception as error:
                if is_outage(error):
                    log.warning("Whether open streams may stay so waits for the database", error=repr(error))
                else:
                    log.error("Whether open streams may stay so could not be looked at", exc_info=error)

    async def _look(self, authenticator: Authenticator) -> None:
        held: defaultdict[Credential, list[OpenStream]] = defaultdict(list)
        for stream in self._open:
            if stream.credential:
                held[stream.credential].append(stream)
        if held:
            for credential in await authenticator.no_longer_held(held):
                for stream in held[credential]:
                    if stream.revoke:
                        stream.revoke()

    def __len__(self) -> int:
        return len(self._open)
