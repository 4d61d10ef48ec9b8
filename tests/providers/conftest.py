"""A sandbox on a file of its own, in process or served over loopback."""

import asyncio
import random
import socket
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from pathlib import Path

import pytest
import uvicorn

from oms.providers.sandbox.call_log import CallLog, LoggedCall, Outcome
from oms.providers.sandbox.from_settings import FILE_NAME
from oms.providers.sandbox.http_service import build_app
from oms.providers.sandbox.rules import SandboxRules
from oms.providers.sandbox.sandbox import Sandbox

OpenSandbox = Callable[..., Sandbox]
Serve = Callable[[SandboxRules], AbstractAsyncContextManager[str]]


@pytest.fixture
def log_path(tmp_path: Path) -> Path:
    path = tmp_path / FILE_NAME
    path.parent.mkdir()
    return path


@pytest.fixture
def calls(log_path: Path) -> Iterator[CallLog]:
    """A connection of its own to the file, as an outsider would open it."""
    log = CallLog(log_path)
    yield log
    log.close()


@pytest.fixture
def open_sandbox(log_path: Path) -> Iterator[OpenSandbox]:
    """Opens a sandbox with the given rules on the test's file, any number of times."""
    logs: list[CallLog] = []

    def open_one(rules: SandboxRules | None = None, *, timeout_s: float | None = None, seed: int = 0) -> Sandbox:
        logs.append(CallLog(log_path))
        return Sandbox(rules or SandboxRules(), logs[-1], timeout_s=timeout_s, chance=random.Random(seed))

    yield open_one
    for log in logs:
        log.close()


@pytest.fixture
def serve(log_path: Path) -> Serve:
    """Serves the test's file over HTTP within a context, which yields the URL."""

    @asynccontextmanager
    async def serving(rules: SandboxRules) -> AsyncIterator[str]:
        log = CallLog(log_path)
        listening = socket.create_server(("127.0.0.1", 0))
        app = build_app(Sandbox(rules, log, chance=random.Random(0)), log)
        server = uvicorn.Server(uvicorn.Config(app, log_config=None, log_level="critical", timeout_graceful_shutdown=2))
        serving_task = asyncio.create_task(server.serve(sockets=[listening]))
        while not server.started:  # noqa: ASYNC110 - uvicorn offers no event
            await asyncio.sleep(0.01)
        try:
            yield f"http://127.0.0.1:{listening.getsockname()[1]}"
        finally:
            server.should_exit = True
            await serving_task

    return serving


def effects(log: CallLog, operation: str) -> list[LoggedCall]:
    return [
        call
        for call in log.page(limit=1_000_000)
        if call.entry.operation == operation and call.entry.outcome is Outcome.EFFECT
    ]
