"""A way from one process to another over TCP, which can be cut, held up, slowed down or closed.

It reads nothing but one mark: bytes that begin what the cut must not lose, such as a COMMIT on its way to PostgreSQL.
"""

import asyncio
import random
import socket
import struct
from collections.abc import Callable, Sequence
from enum import Enum, auto
from typing import Final, cast

HOST: Final = "127.0.0.1"
RESET: Final = struct.pack("ii", 1, 0)
"""SO_LINGER of no time at all: closing sends RST instead of FIN."""

FOUND_OUT_AFTER_S: Final = 60.0
FULL_BYTES: Final = 1 << 18


class Moment(Enum):
    """When the connection of a doomed request is cut."""

    BEFORE = auto()
    """The request does not arrive."""
    DURING = auto()
    """It was sent on, and whether it arrives nobody knows."""
    AFTER = auto()
    """It was carried out, and the answer does not arrive."""


class Link:
    """Listens on `port` and connects each caller with the first target, in turn, that takes the connection."""

    def __init__(self, targets: Callable[[], Sequence[int]], *, mark: bytes = b"") -> None:
        self._targets = targets
        self._turn = 0
        self._mark = mark
        self._server: asyncio.Server | None = None
        self._crossings: set[_Crossing] = set()
        self._doomed: list[Moment] = []
        self.port = 0
        self.delay_s = 0.0
        self.is_held = False
        self.cut_count = 0

    async def open(self) -> None:
        loop = asyncio.get_running_loop()
        self._server = await loop.create_server(lambda: _End(_Crossing(self)), HOST, self.port, reuse_address=True)
        self.port = int(self._server.sockets[0].getsockname()[1])

    def close(self) -> None:
        """Nobody listens any more, and who was connected is cut off."""
        if self._server:
            self._server.close()
            self._server = None
        self.cut()

    def cut(self) -> None:
        """Resets every connection."""
        for crossing in list(self._crossings):
            crossing.reset()

    def hold(self) -> None:
        """From now on nothing gets through, and nobody is told."""
        self.is_held = True

    def let_go(self) -> None:
        self.is_held = False
        for crossing in list(self._crossings):
            crossing.pass_on()

    def abandon(self) -> None:
        """Who is connected goes on waiting for ever; who connects anew gets through."""
        for crossing in list(self._crossings):
            crossing.lead_nowhere()
        self.is_held = False

    def doom(self, moments: Sequence[Moment]) -> None:
        """The next marked requests are cut, each at its moment."""
        self._doomed = list(moments)

    def spare(self) -> None:
        """What is doomed and has not come yet is let through."""
        self._doomed = []

    @property
    def doomed_count(self) -> int:
        return len(self._doomed)

    def fate(self, data: bytes) -> Moment | None:
        return self._doomed.pop(0) if self._doomed and self._mark in data else None

    def joined(self, crossing: "_Crossing") -> None:
        self._crossings.add(crossing)

    def left(self, crossing: "_Crossing") -> None:
        self._crossings.discard(crossing)

    def in_turn(self) -> list[int]:
        """The targets, each call beginning with the next one."""
        targets = list(self._targets())
        self._turn += 1
        start = self._turn % len(targets) if targets else 0
        return targets[start:] + targets[:start]


class _End(asyncio.Protocol):
    """One of a crossing's two sockets."""

    def __init__(self, crossing: "_Crossing", *, is_far: bool = False) -> None:
        self._crossing = crossing
        self._is_far = is_far

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        # uvloop's transports are asyncio.Transport in all but name.
        self._crossing.connected(cast("asyncio.Transport", transport), is_far=self._is_far)

    def data_received(self, data: bytes) -> None:
        self._crossing.came(bytes(data), from_far=self._is_far)

    def connection_lost(self, exc: Exception | None) -> None:
        self._crossing.hung_up(from_far=self._is_far)

    def pause_writing(self) -> None:
        self._crossing.is_full(of_far=self._is_far, full=True)

    def resume_writing(self) -> None:
        self._crossing.is_full(of_far=self._is_far, full=False)


class _Crossing:
    """One connection through the link: what comes waits in order until it is passed on."""

    def __init__(self, link: Link) -> None:
        self._link = link
        self._ends: dict[bool, asyncio.Transport] = {}
        self._waiting: list[tuple[float, bool, bytes | None]] = []
        self._doomed_to_lose_answer = False
        self._is_over = False
        self._leads_nowhere = False
        self._loop = asyncio.get_running_loop()
        self._connecting: asyncio.Task[None] | None = None

    def connected(self, transport: asyncio.Transport, *, is_far: bool) -> None:
        if self._is_over:
            transport.abort()
            return
        self._ends[is_far] = transport
        transport.set_write_buffer_limits(high=FULL_BYTES)
        if is_far:
            self.pass_on()
        else:
            self._link.joined(self)
            self._connecting = asyncio.create_task(self._connect())

    async def _connect(self) -> None:
        for port in self._link.in_turn():
            try:
                await self._loop.create_connection(lambda: _End(self, is_far=True), HOST, port)
            except OSError:
                continue
            return
        self.reset()

    def lead_nowhere(self) -> None:
        """Neither side is told until their systems would find out by themselves; either may hang up."""
        self._leads_nowhere = True
        self._waiting.clear()
        self._loop.call_later(FOUND_OUT_AFTER_S, self.reset)

    def came(self, data: bytes, *, from_far: bool) -> None:
        if self._leads_nowhere:
            return
        if from_far and self._doomed_to_lose_answer:
            self._cut_by_fate()
            return
        fate = None if from_far else self._link.fate(data)
        if fate is Moment.BEFORE:
            self._cut_by_fate()
            return
        self._doomed_to_lose_answer |= fate is not None
        self._queue(data, from_far=from_far)
        if fate is Moment.DURING:
            self._loop.call_later(random.uniform(0, 0.003), self._cut_by_fate)

    def _cut_by_fate(self) -> None:
        if not self._is_over:
            self._link.cut_count += 1
            self.reset()

    def _queue(self, data: bytes | None, *, from_far: bool) -> None:
        if not self._waiting and not self._link.is_held and not self._link.delay_s and (not from_far) in self._ends:
            self._deliver(data, from_far=from_far)
            return
        due_s = max(self._loop.time() + self._link.delay_s, self._waiting[-1][0] if self._waiting else 0.0)
        self._waiting.append((due_s, from_far, data))
        self._loop.call_at(due_s, self.pass_on)

    def pass_on(self) -> None:
        """Whatever is due, in order."""
        now_s = self._loop.time()
        while self._waiting and not self._link.is_held:
            due_s, from_far, data = self._waiting[0]
            if (not from_far) not in self._ends:
                return
            if due_s > now_s:  # a timer may go off a little early
                self._loop.call_later(due_s - now_s, self.pass_on)
                return
            self._waiting.pop(0)
            self._deliver(data, from_far=from_far)

    def _deliver(self, data: bytes | None, *, from_far: bool) -> None:
        other = self._ends[not from_far]
        if data is None:
            other.close()
        elif not other.is_closing():
            other.write(data)

    def hung_up(self, *, from_far: bool) -> None:
        """The other side is told once it has everything."""
        if self._ends and not self._leads_nowhere:
            self._queue(None, from_far=from_far)
            self._link.left(self)

    def is_full(self, *, of_far: bool, full: bool) -> None:
        source = self._ends.get(not of_far)
        if source and not source.is_closing():
            (source.pause_reading if full else source.resume_reading)()

    def reset(self) -> None:
        ends, self._ends = self._ends, {}
        self._is_over = True
        self._waiting.clear()
        self._link.left(self)
        for transport in ends.values():
            open_socket = transport.get_extra_info("socket")
            if open_socket and not transport.is_closing():
                open_socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET)
            transport.abort()
