"""A TCP proxy between two processes that can cut, hold, delay and close connections.

It looks at the data for one mark only: bytes that begin what the cut must hit, such as a COMMIT sent to PostgreSQL.
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
"""SO_LINGER of zero seconds: closing sends RST instead of FIN."""

DEAD_CONNECTION_TIMEOUT_S: Final = 60.0
FULL_BYTES: Final = 1 << 18


class Moment(Enum):
    """When a marked request's connection is cut."""

    BEFORE = auto()
    """The request does not arrive."""
    DURING = auto()
    """It was forwarded, and may or may not arrive."""
    AFTER = auto()
    """It was executed, and the answer does not arrive."""


class Link:
    """Listens on `port` and connects each client with the first target, in rotation, that accepts."""

    def __init__(self, targets: Callable[[], Sequence[int]], *, mark: bytes = b"") -> None:
        self._targets = targets
        self._turn = 0
        self._mark = mark
        self._server: asyncio.Server | None = None
        self._connections: set[_Connection] = set()
        self._cuts: list[Moment] = []
        self.port = 0
        self.delay_s = 0.0
        self.is_held = False
        self.cut_count = 0

    async def open(self) -> None:
        loop = asyncio.get_running_loop()
        self._server = await loop.create_server(lambda: _Side(_Connection(self)), HOST, self.port, reuse_address=True)
        self.port = int(self._server.sockets[0].getsockname()[1])

    def close(self) -> None:
        """Stops listening and resets every connection."""
        if self._server:
            self._server.close()
            self._server = None
        self.cut()

    def cut(self) -> None:
        """Resets every connection."""
        for connection in list(self._connections):
            connection.reset()

    def hold(self) -> None:
        """From now on nothing is forwarded, and no side is notified."""
        self.is_held = True

    def release(self) -> None:
        self.is_held = False
        for connection in list(self._connections):
            connection.forward()

    def abandon(self) -> None:
        """Present connections are dead without notice; new ones work."""
        for connection in list(self._connections):
            connection.go_dead()
        self.is_held = False

    def cut_next(self, moments: Sequence[Moment]) -> None:
        """Cuts the next marked requests, each at its moment."""
        self._cuts = list(moments)

    def cancel_cuts(self) -> None:
        self._cuts = []

    @property
    def cuts_left(self) -> int:
        return len(self._cuts)

    def cut_for(self, data: bytes) -> Moment | None:
        return self._cuts.pop(0) if self._cuts and self._mark in data else None

    def add(self, connection: "_Connection") -> None:
        self._connections.add(connection)

    def remove(self, connection: "_Connection") -> None:
        self._connections.discard(connection)

    def in_rotation(self) -> list[int]:
        """The targets; each call starts with the next one."""
        targets = list(self._targets())
        self._turn += 1
        start = self._turn % len(targets) if targets else 0
        return targets[start:] + targets[:start]


class _Side(asyncio.Protocol):
    """One of a connection's two sockets: the client's, or the target's."""

    def __init__(self, connection: "_Connection", *, is_target: bool = False) -> None:
        self._connection = connection
        self._is_target = is_target

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        # uvloop's transports are not subclasses of asyncio.Transport, but have its methods.
        self._connection.connected(cast("asyncio.Transport", transport), is_target=self._is_target)

    def data_received(self, data: bytes) -> None:
        self._connection.received(bytes(data), from_target=self._is_target)

    def connection_lost(self, exc: Exception | None) -> None:
        self._connection.closed(by_target=self._is_target)

    def pause_writing(self) -> None:
        self._connection.set_full(of_target=self._is_target, full=True)

    def resume_writing(self) -> None:
        self._connection.set_full(of_target=self._is_target, full=False)


class _Connection:
    """One connection through the link: data waits in order until it is forwarded."""

    def __init__(self, link: Link) -> None:
        self._link = link
        self._sides: dict[bool, asyncio.Transport] = {}
        self._waiting: list[tuple[float, bool, bytes | None]] = []
        self._loses_answer = False
        self._is_over = False
        self._is_dead = False
        self._loop = asyncio.get_running_loop()
        self._connecting: asyncio.Task[None] | None = None

    def connected(self, transport: asyncio.Transport, *, is_target: bool) -> None:
        if self._is_over:
            transport.abort()
            return
        self._sides[is_target] = transport
        transport.set_write_buffer_limits(high=FULL_BYTES)
        if is_target:
            self.forward()
        else:
            self._link.add(self)
            self._connecting = asyncio.create_task(self._connect())

    async def _connect(self) -> None:
        for port in self._link.in_rotation():
            try:
                await self._loop.create_connection(lambda: _Side(self, is_target=True), HOST, port)
            except OSError:
                continue
            return
        self.reset()

    def go_dead(self) -> None:
        """Neither side is notified until its own system would find out; either may close."""
        self._is_dead = True
        self._waiting.clear()
        self._loop.call_later(DEAD_CONNECTION_TIMEOUT_S, self.reset)

    def received(self, data: bytes, *, from_target: bool) -> None:
        if self._is_dead:
            return
        if from_target and self._loses_answer:
            self._cut()
            return
        cut = None if from_target else self._link.cut_for(data)
        if cut is Moment.BEFORE:
            self._cut()
            return
        self._loses_answer |= cut is not None
        self._queue(data, from_target=from_target)
        if cut is Moment.DURING:
            self._loop.call_later(random.uniform(0, 0.003), self._cut)

    def _cut(self) -> None:
        if not self._is_over:
            self._link.cut_count += 1
            self.reset()

    def _queue(self, data: bytes | None, *, from_target: bool) -> None:
        is_free = not self._waiting and not self._link.is_held and not self._link.delay_s
        if is_free and (not from_target) in self._sides:
            self._deliver(data, from_target=from_target)
            return
        due_s = max(self._loop.time() + self._link.delay_s, self._waiting[-1][0] if self._waiting else 0.0)
        self._waiting.append((due_s, from_target, data))
        self._loop.call_at(due_s, self.forward)

    def forward(self) -> None:
        """Delivers everything that is due, in order."""
        now_s = self._loop.time()
        while self._waiting and not self._link.is_held:
            due_s, from_target, data = self._waiting[0]
            if (not from_target) not in self._sides:
                return
            if due_s > now_s:  # timers may fire a little early
                self._loop.call_later(due_s - now_s, self.forward)
                return
            self._waiting.pop(0)
            self._deliver(data, from_target=from_target)

    def _deliver(self, data: bytes | None, *, from_target: bool) -> None:
        other = self._sides[not from_target]
        if data is None:
            other.close()
        elif not other.is_closing():
            other.write(data)

    def closed(self, *, by_target: bool) -> None:
        """The other side is closed once it has received everything."""
        if self._sides and not self._is_dead:
            self._queue(None, from_target=by_target)
            self._link.remove(self)

    def set_full(self, *, of_target: bool, full: bool) -> None:
        source = self._sides.get(not of_target)
        if source and not source.is_closing():
            (source.pause_reading if full else source.resume_reading)()

    def reset(self) -> None:
        sides, self._sides = self._sides, {}
        self._is_over = True
        self._waiting.clear()
        self._link.remove(self)
        for transport in sides.values():
            open_socket = transport.get_extra_info("socket")
            if open_socket and not transport.is_closing():
                open_socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET)
            transport.abort()
