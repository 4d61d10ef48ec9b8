"""Background tasks do not die unseen."""

import asyncio
import gc
from collections.abc import AsyncIterator, Iterator
from typing import Any

import pytest
from structlog.testing import capture_logs

from oms.platform import tasks
from oms.platform.tasks import Pulse, cancelled, child, detached, failures, supervised
from tests.web.conftest import until

CLOSED = "unable to perform operation on <TCPTransport closed=True>; the handler is closed"


@pytest.fixture(autouse=True)
def _fast(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setattr(tasks, "MIN_PAUSE_S", 0.001)
    monkeypatch.setattr(tasks, "MAX_PAUSE_S", 0.01)
    failures.clear()
    yield
    failures.clear()


@pytest.fixture
async def unseen() -> AsyncIterator[list[Any]]:
    """What the event loop reports, such as an exception that nobody retrieved."""
    loop = asyncio.get_running_loop()
    reported: list[Any] = []
    loop.set_exception_handler(lambda _loop, context: reported.append(context))
    yield reported
    loop.set_exception_handler(None)


async def cancel_itself() -> None:
    raise asyncio.CancelledError


async def fail() -> None:
    raise ValueError("a bug")


async def lose() -> None:
    raise RuntimeError(CLOSED)


async def end() -> None:
    await asyncio.sleep(0)


@pytest.mark.parametrize(
    ("act", "level"), [(fail, "error"), (lose, "warning"), (end, "warning"), (cancel_itself, "warning")]
)
async def test_a_supervised_task_is_started_again_however_it_ends(act: Any, level: str) -> None:
    started = 0

    async def run() -> None:
        nonlocal started
        started += 1
        if started <= 3:
            await act()
            return
        await asyncio.Event().wait()

    with capture_logs() as logs:
        task = supervised("example", run)
        await until(lambda: started == 4)
        await cancelled([task])
    assert failures == {"example": 3}
    assert [(entry["log_level"], entry["task"]) for entry in logs] == [(level, "example")] * 3


async def test_a_listener_that_falls_silent_is_started_again() -> None:
    pulse, started = Pulse(0.05), 0

    async def listen() -> None:
        nonlocal started
        started += 1
        while started > 1:
            pulse.beat()
            await asyncio.sleep(0.01)
        while True:
            try:
                await asyncio.Event().wait()
            except asyncio.CancelledError:
                if started > 1:
                    raise
                started += 1  # swallowed once, as libraries do

    task = supervised("listener", listen, pulse)
    assert not pulse.is_alive
    await until(lambda: pulse.is_alive)
    await asyncio.sleep(0.2)
    assert (started, failures["listener"]) == (3, 1)
    await cancelled([task])


async def test_a_supervised_task_ends_when_it_is_cancelled_and_not_before() -> None:
    ended = asyncio.Event()

    async def run() -> None:
        try:
            await asyncio.Event().wait()
        finally:
            ended.set()

    task = supervised("example", run)
    await asyncio.sleep(0.01)
    await cancelled([task])
    assert ended.is_set()
    assert task.cancelled()
    assert not failures


async def test_a_supervised_task_leaves_nothing_behind_that_swallowed_cancellations(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """As redis does while it sends. A process waits for what is left behind when its event loop closes."""
    monkeypatch.setattr(tasks, "CANCEL_AGAIN_S", 0.01)
    swallowed, ended = 0, False

    async def listen() -> None:
        nonlocal swallowed, ended
        while swallowed < 4:
            try:
                await asyncio.Event().wait()
            except asyncio.CancelledError:
                swallowed += 1
        ended = True

    task = supervised("listener", listen)
    await asyncio.sleep(0.01)
    await cancelled([task])
    assert ended
    assert task.cancelled()


@pytest.mark.parametrize("start", [lambda: detached("example", fail()), lambda: child(fail())])
async def test_a_failure_is_never_reported_as_never_retrieved(start: Any, unseen: list[Any]) -> None:
    task = start()
    await asyncio.wait({task})
    await cancelled([task])
    del task
    gc.collect()
    assert unseen == []


async def test_a_detached_task_that_fails_is_logged_and_counted() -> None:
    with capture_logs() as logs:
        detached("example", fail())
        await until(lambda: failures["example"] == 1)
    assert [entry["log_level"] for entry in logs] == ["error"]
