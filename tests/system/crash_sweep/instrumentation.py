"""Reports every statement that asyncpg sends, and every provider call, to the process's kill switch.

The product is not changed: a subclass of asyncpg's protocol and wrappers of three of the product's functions are
installed before its command runs.
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
from tests.system.crash_sweep.kill_switch import AFTER, BEFORE, SENT, KillSwitch

_HEAD: Final = re.compile(r"(?s)\s*(?:(UPDATE|INSERT INTO|DELETE FROM)\s+(\w+)|(SELECT|WITH)\b.*?\bFROM\s+([\w.]+))")
_UNRELATED: Final = ("oms.jobs.worker", "oms.web.live.hub", "oms.platform.migrations")
"""Not part of an order's life: a worker's heartbeat and cleaning up, reading the log, the start of a process."""

_PROBES: Final = "web.server.asgi."
"""Every request passes it; its own statements serve probes."""

_EXECUTION: Final = (
    "oms.schema.execution",
    "oms.schema.compiled",
    "oms.schema.runtime.field_permissions",
)
"""Every operation passes these, whatever it is."""

_CONNECTING: Final = ("first_connect", "_introspect_types")
_LOOPS: Final = ("asyncio.runners", "uvloop")

_DUE: Final = """
    SELECT EXISTS (SELECT FROM work WHERE queue = $1 AND parked_at IS NULL AND due_at <= clock_timestamp()
                   AND (leased_until IS NULL OR leased_until < clock_timestamp())
                   AND (NOT held OR NOT (SELECT maintenance FROM fraud_settings WHERE id = 1)))
"""

_unwatched: ContextVar[bool] = ContextVar("unwatched", default=False)
_calling: ContextVar[str] = ContextVar("calling", default="")


class Watch:
    """One process. `lost_answers`: the operation whose first answer to each key is lost."""

    def __init__(self, switch: KillSwitch, database_url: str, lost_answers: str) -> None:
        self.switch = switch
        self._database_url = database_url
        self._lost_answers = lost_answers
        self._called: set[str] = set()
        self._connection: asyncpg.Connection[asyncpg.Record] | None = None
        self._lock = asyncio.Lock()

    def loses_answer(self, operation: str, key: str) -> bool:
        """Once for each key in each process."""
        lost = operation == self._lost_answers and key not in self._called
        self._called.add(key)
        return lost

    async def is_due(self, queue: str) -> bool:
        """Whether a claim will find something: a worker also claims when there is nothing, at irregular times."""
        token = _unwatched.set(True)
        try:
            async with self._lock:
                if self._connection is None:
                    self._connection = await asyncpg.connect(self._database_url)
                return bool(await self._connection.fetchval(_DUE, queue))
        finally:
            _unwatched.reset(token)


_watch: Watch | None = None


class WatchedProtocol(asyncpg_protocol.Protocol):
    """asyncpg's, which reports every statement."""

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
    if _watch is None or not _watch.switch.is_on or _unwatched.get():
        return await send()
    step = _step()
    if step is None or await _finds_nothing(step):
        return await send()
    place = f"{step.name}: {_head(query)}"
    _watch.switch.passed(place, BEFORE)
    if query.startswith("COMMIT") or step.queue:
        sending = asyncio.ensure_future(send())
        await _sent(connection)
        _watch.switch.passed(place, SENT)
        answer = await sending
    else:
        answer = await send()
    _watch.switch.passed(place, AFTER)
    return answer


async def _sent(connection: WatchedProtocol) -> None:
    """Waits until the statement has left this process."""
    await asyncio.sleep(0)
    while connection.wire.get_write_buffer_size():  # noqa: ASYNC110 - there is no event for it
        await asyncio.sleep(0)


async def _finds_nothing(step: "_Step") -> bool:
    """Whether it is a claim, each of whose statements commits by itself, and there is nothing to claim."""
    return step.queue is not None and _watch is not None and not await _watch.is_due(step.queue)


@dataclass(frozen=True, slots=True)
class _Step:
    """Which part of the product sends a statement; `queue`: from which it claims, if it does."""

    name: str
    queue: str | None


def _step() -> _Step | None:
    """Named after the job's innermost function, a batcher, the API's outermost function, or else the web's innermost;
    and the domain's innermost function.

    None for _UNRELATED, and for statements of a new connection.
    """
    domain, job, batcher, api, web = "", None, None, None, None
    for frame in _frames():
        module, function = frame.f_globals.get("__name__", ""), frame.f_code.co_name
        if module.startswith(_UNRELATED) or function in _CONNECTING:
            return None
        name = f"{module.removeprefix('oms.').removeprefix('domain.')}.{function}"
        if module == "oms.domain.idempotency.batcher":
            handle = frame.f_locals["self"].handle
            batcher = frame, f"batch.{getattr(handle, 'func', handle).__name__}"  # the function itself, or a partial
        elif module.startswith("oms.domain"):
            domain = domain or name
        elif module.startswith("oms.jobs"):
            job = job or (frame, name)
        elif module.startswith("oms.schema") and not module.startswith(_EXECUTION):
            api = frame, name
        elif module.startswith(("oms.web", "tests.system.crash_sweep.bugs")):
            web = web or (frame, name)
    found = job or batcher or api or web
    if found is None or found[1].startswith(_PROBES):
        return None
    queue = found[0].f_locals["queue"] if found[1] == "jobs.consumer._claim" else None
    step = f"{found[1]}({queue})" if queue else found[1]
    return _Step(f"{step}, {domain}" if domain else step, queue)


def _frames() -> Iterator[FrameType]:
    """From the statement outwards, through all awaiting callers, to the start of its task.

    SQLAlchemy's part runs in a greenlet, whose frames are inserted.
    """
    frame: FrameType | None = sys._getframe(2)
    while frame and frame.f_globals.get("__name__") not in _LOOPS:
        yield frame
        if frame.f_code.co_name == "greenlet_spawn":
            inner = frame.f_locals["context"].gr_frame
            while inner:
                yield inner
                inner = inner.f_back
        frame = frame.f_back


def _head(query: str) -> str:
    """The kind of statement and its table."""
    if query.startswith("BEGIN"):
        return "BEGIN"
    found = _HEAD.match(query)
    return " ".join(filter(None, found.groups())) if found else query.split("(", maxsplit=1)[0].rstrip(";")


async def _watched_call(self: Any, operation: Any, request: Any) -> Any:
    """Replaces HttpProviders._call."""
    if _watch is None:
        return await _CALL(self, operation, request)
    place = f"call {operation.name}"
    token = _calling.set(place)
    try:
        if _watch.switch.is_on:
            _watch.switch.passed(place, BEFORE)
        answer = await _CALL(self, operation, request)
        if _watch.loses_answer(operation.name, request.key):
            raise ProviderUnavailable(f"{operation.name}: the answer was lost")
        if _watch.switch.is_on:
            _watch.switch.passed(place, AFTER)
        return answer
    finally:
        _calling.reset(token)


def _watched_build(*arguments: Any) -> Any:
    """Replaces http._build: the request reports when it was sent."""

    async def trace(event: str, _: Any) -> None:
        if event == "http11.send_request_body.complete" and _watch and _watch.switch.is_on and _calling.get():
            _watch.switch.passed(_calling.get(), SENT)

    request = _BUILD(*arguments)
    request.extensions["trace"] = trace
    return request


async def _watched_send(self: Any, changes: Any) -> None:
    """Replaces Notifier._send, which notifies others after a commit."""
    if _watch is None or not _watch.switch.is_on:
        await _SEND(self, changes)
        return
    _watch.switch.passed("notify", BEFORE)
    await _SEND(self, changes)
    _watch.switch.passed("notify", AFTER)


_CALL: Final = provider_http.HttpProviders._call
_BUILD: Final = provider_http._build
_SEND: Final = Notifier._send


def install() -> None:
    """Once, before any process is forked."""
    for target, name, watched in (
        (asyncpg_protocol, "Protocol", WatchedProtocol),
        (provider_http.HttpProviders, "_call", _watched_call),
        (provider_http, "_build", _watched_build),
        (Notifier, "_send", _watched_send),
        # Many workers that mostly wait: polling fifty times a second would be most of their load.
        (oms_worker, "ARQ_POLL_EVERY_S", 0.1),
    ):
        mock.patch.object(target, name, watched).start()


def start(watch: Watch) -> None:
    """From now on this process is watched."""
    global _watch  # noqa: PLW0603 - there is one for each process
    _watch = watch
