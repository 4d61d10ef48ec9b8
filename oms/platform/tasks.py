"""Background tasks: each has an owner, so that none dies unseen. `asyncio.create_task` is called nowhere else.

- `supervised`: goes on until cancelled. When it fails, ends or falls silent, it is logged, counted and started again.
- `detached`: runs to its end, and nobody awaits it. A failure is logged and counted.
- `child`: whoever starts it awaits or cancels it, and gets what it raises.
"""

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable, Coroutine, Iterable
from typing import Any, Final, TypeVar

import structlog

from oms.platform.faults.outages import is_outage

log = structlog.get_logger(__name__)

T = TypeVar("T")

MIN_PAUSE_S: Final = 0.1
MAX_PAUSE_S: Final = 2.0
"""The pause before a failed task is restarted: it starts at the minimum and doubles with each further failure."""

STEADY_S: Final = 10.0
"""A task that ran for this long begins again with the shortest pause."""

CLOSE_S: Final = 1.0
"""How long closing a connection may take when the process stops."""

CANCEL_AGAIN_S: Final = 0.5

failures: Final[Counter[str]] = Counter()
"""How often background tasks of this process failed or fell silent, by name."""

_detached: Final[set[asyncio.Task[Any]]] = set()
"""The event loop keeps only weak references."""


class Pulse:
    """Shows that a listener still hears something: it calls `beat`, at least once in `limit_s`."""

    def __init__(self, limit_s: float) -> None:
        self.limit_s = limit_s
        self._heard_at_s: float | None = None

    def beat(self) -> None:
        self._heard_at_s = asyncio.get_running_loop().time()

    @property
    def is_alive(self) -> bool:
        """Also false before the first beat."""
        return self._heard_at_s is not None and self._silent_s(self._heard_at_s) < self.limit_s

    def left_s(self, started_s: float) -> float:
        """How long it may still be silent, if it was started then. Both by the event loop's clock."""
        return self.limit_s - self._silent_s(max(started_s, self._heard_at_s or 0.0))

    @staticmethod
    def _silent_s(since_s: float) -> float:
        return asyncio.get_running_loop().time() - since_s


class _Ended(Exception):
    """A task that should go on returned, cancelled itself, or fell silent."""


def supervised(
    name: str, act: Callable[[], Coroutine[Any, Any, None]], pulse: Pulse | None = None
) -> asyncio.Task[None]:
    """Goes on until cancelled: `act` is started again whenever it ends, for whatever reason.

    With a `pulse`, it is also cancelled and started again when that stops.
    """
    return asyncio.create_task(_supervise(name, act, pulse), name=name)


async def _supervise(name: str, act: Callable[[], Coroutine[Any, Any, None]], pulse: Pulse | None) -> None:
    pause_s = MIN_PAUSE_S
    while True:
        started_s = asyncio.get_running_loop().time()
        try:
            await _run(act, pulse)
        except Exception as error:  # noqa: BLE001 - _note() logs it
            _note(name, error)
        if asyncio.get_running_loop().time() - started_s > STEADY_S:
            pause_s = MIN_PAUSE_S
        await asyncio.sleep(pause_s)
        pause_s = min(2 * pause_s, MAX_PAUSE_S)


async def _run(act: Callable[[], Coroutine[Any, Any, None]], pulse: Pulse | None) -> None:
    """Runs it in a task of its own, so that its cancellations are told from ours. Raises what it raises, or _Ended."""
    running = asyncio.create_task(act())
    started_s = asyncio.get_running_loop().time()
    try:
        while not running.done():
            left_s = pulse.left_s(started_s) if pulse else None
            if left_s is not None and left_s <= 0:
                raise _Ended("it fell silent")
            await asyncio.wait({running}, timeout=left_s)
    finally:
        await cancelled({running})
    if running.cancelled():
        raise _Ended("it cancelled itself")
    running.result()
    raise _Ended("it returned")


def detached(name: str, coroutine: Coroutine[Any, Any, T]) -> asyncio.Task[T]:
    """Runs to its end without anybody waiting."""
    task = asyncio.create_task(coroutine, name=name)
    _detached.add(task)
    task.add_done_callback(_finished)
    return task


def _finished(task: asyncio.Task[Any]) -> None:
    _detached.discard(task)
    if not task.cancelled() and (error := task.exception()) is not None:
        _note(task.get_name(), error)


def child(coroutine: Coroutine[Any, Any, T]) -> asyncio.Task[T]:
    """The caller awaits or cancels it."""
    return asyncio.create_task(coroutine)


async def cancelled(tasks: Iterable[asyncio.Task[Any]]) -> None:
    """Cancels them until all have ended: libraries swallow a cancellation now and then. Ignores what they raise.

    Who is cancelled meanwhile still waits for that, and is cancelled then: nobody else would end them.
    """
    tasks = set(tasks)
    interruption: asyncio.CancelledError | None = None
    while pending := {task for task in tasks if not task.done()}:
        for task in pending:
            task.cancel()
        try:
            await asyncio.wait(pending, timeout=CANCEL_AGAIN_S)
        except asyncio.CancelledError as error:
            interruption = error
    for task in tasks:
        _ = task.cancelled() or task.exception()  # else Python reports it as never retrieved
    if interruption:
        raise interruption


async def bounded(name: str, act: Callable[[], Awaitable[object]], *, limit_s: float) -> None:
    """Runs a part of the shutdown, which must neither hang nor stop the parts after it: logs what goes wrong."""
    try:
        async with asyncio.timeout(limit_s):
            await act()
    except Exception as error:
        if not is_outage(error):
            raise
        log.warning("A part of the shutdown was given up", part=name, error=repr(error))


def _note(name: str, error: BaseException) -> None:
    failures[name] += 1
    if is_outage(error) or isinstance(error, _Ended):
        log.warning("A background task failed", task=name, error=repr(error))
    else:
        log.error("A background task failed because of a bug", task=name, exc_info=error)
