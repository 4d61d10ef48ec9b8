"""Answers that clients do not read: bounded in time, and in bytes for all connections of a process together.

A transport keeps what the kernel does not take, and closing it waits until all is sent.
"""

import asyncio
from dataclasses import dataclass
from typing import Final

from oms.platform.listening import SEND_BUFFER_BYTES

UNREAD_TIMEOUT_S: Final = 30.0
"""A client must read PROGRESS_BYTES in this time, or all that is left."""

PROGRESS_BYTES: Final = 64 * 1024

MAX_UNREAD_BYTES: Final = 12 * 1024 * 1024
"""Above this, those that have read nothing for longest are disconnected first. Proxies read at once.

With what the allocator keeps, the process then grows by 16 MiB at most."""

CHECK_S: Final = 1.0


@dataclass(slots=True)
class _Unread:
    """`left`: bytes to send when it last made progress. `held`: bytes in memory, which are freed when all are sent."""

    left: int
    held: int
    progress_at_s: float


class UnreadAnswers:
    """The connections of one process with something left to send."""

    def __init__(self) -> None:
        self._of: dict[asyncio.Transport, _Unread] = {}
        self._timer: asyncio.TimerHandle | None = None

    def __len__(self) -> int:
        return len(self._of)

    def watch(self, transport: asyncio.Transport) -> None:
        """Until all is sent, or the connection is lost."""
        loop = asyncio.get_running_loop()
        left = transport.get_write_buffer_size()
        unread = self._of.setdefault(transport, _Unread(left, 0, loop.time()))
        unread.held = max(unread.held, left + SEND_BUFFER_BYTES)
        if self._timer is None:
            self._timer = loop.call_later(CHECK_S, self._check, loop)
        self._disconnect_above(MAX_UNREAD_BYTES)

    def _check(self, loop: asyncio.AbstractEventLoop) -> None:
        for transport, unread in list(self._of.items()):
            left = transport.get_write_buffer_size()
            if not left:
                del self._of[transport]
            elif left <= unread.left - PROGRESS_BYTES:
                unread.left, unread.progress_at_s = left, loop.time()
            elif unread.progress_at_s + UNREAD_TIMEOUT_S <= loop.time():
                self._disconnect(transport)
        self._timer = loop.call_later(CHECK_S, self._check, loop) if self._of else None

    def _disconnect_above(self, max_bytes: int) -> None:
        self._of = {transport: unread for transport, unread in self._of.items() if transport.get_write_buffer_size()}
        held = sum(unread.held for unread in self._of.values())
        for transport, unread in sorted(self._of.items(), key=lambda each: each[1].progress_at_s):
            if held <= max_bytes:
                return
            held -= unread.held
            self._disconnect(transport)

    def _disconnect(self, transport: asyncio.Transport) -> None:
        del self._of[transport]
        transport.abort()
