"""What goes on in a process that may be killed: every statement as asyncpg sends it, every call of a provider.

The product is not touched: a subclass of asyncpg's protocol, and wrappers around three of the product's own functions,
are put in before its command runs.
"""

import asyncio
import re
import sys
from collections.abc import Awaitable, Callable, Iterator
from contextvars import ContextVar
from dataclasses import dataclass
from types import FrameType
from typing import Any, Final
from unittest import mock

import asyncpg
from asyncpg import protocol as asyncpg_protocol

from oms.jobs import worker as oms_worker
from oms.platform.notifications import Notifier
from oms.providers import http as provider_http
from oms.providers.ports import ProviderUnavailable
from tests.system.crash_sweep.points import AFTER, BEFORE, SENT, Board

_HEAD: Final = re.compile(r"(?s)\s*(?:(UPDATE|INSERT INTO|DELETE FROM)\s+(\w+)|(SELECT|WITH)\b.*?\bFROM\s+([\w.]+))")
_NOT_ON_THE_WAY: Final = ("oms.jobs.worker", "oms.web.live.hub", "oms.platform.migrations")
"""A worker's sign of life and housekeeping, the log that pages watch, the start of a process."""

_PROBED: Final = "web.server.asgi."
"""Every request comes through there; what is asked from there itself is asked for probes."""

_EXECUTING: Final = (
    "oms.schema.schema",
    "oms.schema.runtime.plan_cache",
    "oms.schema.compiled",
    "oms.schema.runtime.field_permissions",
)
"""Through these comes every operation, whatever it is."""

_CONNECTING: Final = ("first_connect", "_introspect_types")
_LOOPS: Final = ("asyncio.runners", "uvloop")

_DUE: Final = """
    SELECT EXISTS (SELECT FROM work WHERE queue = $1 AND parked_at IS NULL AND due_at <= clock_timestamp()
                   AND (leased_until IS NULL OR leased_until < clock_timestamp())
                   AND (NOT held OR NOT (SELECT maintenance FROM fraud_settings WHERE id = 1)))
"""

_aside: ContextVar[bool] = ContextVar("aside", default=False)
_calling: ContextVar[str] = ContextVar("calling", default="")


class Watch:
    """One process under watch. `deaf_to`: the operation whose first answer under each key it does not hear."""

    def __init__(self, board: Board, database_url: str, deaf_to: str) -> None:
        self.board = board
        self._database_url = database_url
        self._deaf_to = deaf_to
        self._unheard: set[str] = set()
        self._side: asyncpg.Connection[asyncpg.Record] | None = None
        self._one_at_a_time = asyncio.Lock()

    def is_deaf(self, operation: str, key: str) -> bool:
        """Once for each key: in a process that starts anew, again."""
        deaf = operation == self._deaf_to and key not in self._unheard
        self._unheard.add(key)
        return deaf

    async def is_due(self, queue: str) -> bool:
        """Whether a claim will find something: a worker also looks when there is nothing, at no certain times."""
        token = _aside.set(True)
        try:
            async with self._one_at_a_time:
                if self._side is None:
                    self._side = await asyncpg.connect(self._database_url)
                return bool(await self._side.fetchval(_DUE, queue))
        finally:
            _aside.reset(token)


_watch: Watch | None = None


class WatchedProtocol(asyncpg_protocol.Protocol):
    """asyncpg's, which passes every statement on."""

    wire: Any = None

    def connection_made(self, transport: Any) -> None:
        self.wire = transport
        super().connection_made(transport)

    async def query(self, query: Any, *rest: Any) -> Any:
        return await _statement(self, query, lambda: super(WatchedProtocol, self).query(query, *rest))

    async def bind_execute(self, state: Any, *rest: Any, **how: Any) -> Any:
        return await _statement(
            self, state.query, lambda: super(WatchedProtocol, self).bind_execute(state, *rest, **how)
        )

    async def bind_execute_many(self, state: Any, *rest: Any, **how: Any) -> Any:
        return await _statement(
            self, state.query, lambda: super(WatchedProtocol, self).bind_execute_many(state, *rest, **how)
        )


async def _statement(connection: WatchedProtocol, query: str, send: Callable[[], Awaitable[Any]]) -> Any:
    if _watch is None or not _watch.board.is_watching or _aside.get():
        return await send()
    step = _step()
    if step is None or await _finds_nothing(step):
        return await send()
    place = f"{step.name}: {_head(query)}"
    _watch.board.crossed(place, BEFORE)
    if query.startswith("COMMIT") or step.queue:
        sending = asyncio.ensure_future(send())
        await _written(connection)
        _watch.board.crossed(place, SENT)
        answer = await sending
    else:
        answer = await send()
    _watch.board.crossed(place, AFTER)
    return answer


async def _written(connection: WatchedProtocol) -> None:
    """Until the statement has left this process."""
    await asyncio.sleep(0)
    while connection.wire.get_write_buffer_size():  # noqa: ASYNC110 - there is no event for it
        await asyncio.sleep(0)


async def _finds_nothing(step: "_Step") -> bool:
    """Of a claim, whose statements commit each by itself."""
    return step.queue is not None and _watch is not None and not await _watch.is_due(step.queue)


@dataclass(frozen=True, slots=True)
class _Step:
    """Where in the product a statement comes from; `queue` where that is a claim from one."""

    name: str
    queue: str | None


def _step() -> _Step | None:
    """The job's function nearest to the statement, or a round, or the API's farthest function, or else a door's; and
    the domain's nearest.

    None for what is not on an order's way: see _NOT_ON_THE_WAY; and for what a new connection is asked.
    """
    domain, job, round_, api, door = "", None, None, None, None
    for frame in _frames():
        module, function = frame.f_globals.get("__name__", ""), frame.f_code.co_name
        if module.startswith(_NOT_ON_THE_WAY) or function in _CONNECTING:
            return None
        name = f"{module.removeprefix('oms.').removeprefix('domain.')}.{function}"
        if module == "oms.domain.idempotency.batcher":
            round_ = frame, f"batch.{frame.f_locals['self'].handle.__name__}"
        elif module.startswith("oms.domain"):
            domain = domain or name
        elif module.startswith("oms.jobs"):
            job = job or (frame, name)
        elif module.startswith("oms.schema") and not module.startswith(_EXECUTING):
            api = frame, name
        elif module.startswith(("oms.web", "tests.system.crash_sweep.bugs")):
            door = door or (frame, name)
    found = job or round_ or api or door
    if found is None or found[1].startswith(_PROBED):
        return None
    queue = found[0].f_locals["queue"] if found[1] == "jobs.consumer._claim" else None
    step = f"{found[1]}({queue})" if queue else found[1]
    return _Step(f"{step}, {domain}" if domain else step, queue)


def _frames() -> Iterator[FrameType]:
    """From the statement outwards, along whoever awaits it, up to its task's beginning.

    SQLAlchemy's own part runs in a greenlet beside that line.
    """
    frame: FrameType | None = sys._getframe(2)
    while frame and frame.f_globals.get("__name__") not in _LOOPS:
        yield frame
        if frame.f_code.co_name == "greenlet_spawn":
            aside = frame.f_locals["context"].gr_frame
            while aside:
                yield aside
                aside = aside.f_back
        frame = frame.f_back


def _head(query: str) -> str:
    """What it does to which table."""
    if query.startswith("BEGIN"):
        return "BEGIN"
    found = _HEAD.match(query)
    return " ".join(filter(None, found.groups())) if found else query.split("(", maxsplit=1)[0].rstrip(";")


async def _call(self: Any, operation: Any, request: Any) -> Any:
    """HttpProviders._call, watched."""
    if _watch is None:
        return await _CALL(self, operation, request)
    place = f"call {operation.name}"
    token = _calling.set(place)
    try:
        if _watch.board.is_watching:
            _watch.board.crossed(place, BEFORE)
        answer = await _CALL(self, operation, request)
        if _watch.is_deaf(operation.name, request.key):
            raise ProviderUnavailable(f"{operation.name}: the answer was lost on its way")
        if _watch.board.is_watching:
            _watch.board.crossed(place, AFTER)
        return answer
    finally:
        _calling.reset(token)


def _build(*asked: Any) -> Any:
    """http._build, whose request tells when it has been sent."""

    async def trace(event: str, _: Any) -> None:
        if event == "http11.send_request_body.complete" and _watch and _watch.board.is_watching and _calling.get():
            _watch.board.crossed(_calling.get(), SENT)

    request = _BUILD(*asked)
    request.extensions["trace"] = trace
    return request


async def _tell(self: Any, news: Any) -> None:
    """Notifier._send, watched: what others are woken by, after a commit."""
    if _watch is None or not _watch.board.is_watching:
        return await _TELL(self, news)
    _watch.board.crossed("ring the doorbell", BEFORE)
    await _TELL(self, news)
    _watch.board.crossed("ring the doorbell", AFTER)
    return None


_CALL: Final = provider_http.HttpProviders._call
_BUILD: Final = provider_http._build
_TELL: Final = Notifier._send


def put_in() -> None:
    """Once, before any process is forked."""
    for target, name, watched in (
        (asyncpg_protocol, "Protocol", WatchedProtocol),
        (provider_http.HttpProviders, "_call", _call),
        (provider_http, "_build", _build),
        (Notifier, "_send", _tell),
        # Many workers that mostly wait: looking for wake-ups fifty times a second would be most of what they do.
        (oms_worker, "ARQ_POLL_EVERY_S", 0.1),
    ):
        mock.patch.object(target, name, watched).start()


def begin(watch: Watch) -> None:
    """From here on this process is under watch."""
    global _watch  # noqa: PLW0603 - there is one for each process
    _watch = watch
