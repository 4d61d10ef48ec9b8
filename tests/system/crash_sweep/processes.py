"""The processes of an instance, forked from one that has imported everything; killed ones are restarted at once."""

import asyncio
import json
import os
import signal
import sys
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path
from typing import Any, Self

from oms.platform.settings import PROJECT_DIR

READY_WITHIN_S = 60.0


@dataclass(slots=True)
class Child:
    """A process of the product. `ended`: its exit status, negative for a signal."""

    pid: int
    ended: asyncio.Future[int]

    @property
    def status(self) -> int | None:
        return self.ended.result() if self.ended.done() else None


class ForkServer:
    """Runs fork_server.py and forks processes of the product from it."""

    def __init__(self) -> None:
        self._numbers = count(1)
        self._starting: dict[int, asyncio.Future[Child]] = {}
        self._children: dict[int, Child] = {}
        self._ready: asyncio.Future[None]
        self._process: asyncio.subprocess.Process
        self._listening: asyncio.Task[None]

    async def __aenter__(self) -> Self:
        self._process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "tests.system.crash_sweep.fork_server"),
            cwd=PROJECT_DIR,
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
        )
        self._ready = asyncio.get_running_loop().create_future()
        self._listening = asyncio.create_task(self._listen())
        await asyncio.wait_for(self._ready, READY_WITHIN_S)
        return self

    async def __aexit__(self, *_: object) -> None:
        """Its children end with it."""
        assert self._process.stdin
        self._process.stdin.close()
        await self._process.wait()
        self._listening.cancel()

    async def _listen(self) -> None:
        assert self._process.stdout
        async for line in self._process.stdout:
            self._receive(json.loads(line))
        ended = RuntimeError(f"the fork server ended ({await self._process.wait()}); its own message is above")
        waiting: list[asyncio.Future[Any]] = [
            self._ready,
            *self._starting.values(),
            *(child.ended for child in self._children.values()),
        ]
        for future in waiting:
            if not future.done():
                future.set_exception(ended)

    def _receive(self, message: Mapping[str, Any]) -> None:
        match message:
            case {"ready": True}:
                self._ready.set_result(None)
            case {"started": number, "pid": pid}:
                child = Child(pid, asyncio.get_running_loop().create_future())
                self._children[pid] = child
                self._starting.pop(number).set_result(child)
            case {"ended": pid, "status": status}:
                self._children.pop(pid).ended.set_result(status)

    async def start(
        self,
        command: Sequence[str],
        environment: Mapping[str, str],
        log: Path,
        *,
        switch_folder: Path | None = None,
        lost_answers: str = "",
        bug: str = "",
    ) -> Child:
        """Forks a process that runs `python -m oms COMMAND`; with `switch_folder` it has a kill switch there."""
        number = next(self._numbers)
        started: asyncio.Future[Child] = asyncio.get_running_loop().create_future()
        self._starting[number] = started
        order = {"start": number, "command": list(command), "environment": dict(environment), "log": str(log)}
        order |= {"switch_folder": str(switch_folder or ""), "lost_answers": lost_answers, "bug": bug}
        assert self._process.stdin
        self._process.stdin.write(json.dumps(order).encode() + b"\n")
        return await started

    async def run(self, command: Sequence[str], environment: Mapping[str, str], log: Path) -> tuple[int, str]:
        """Runs a command to its end: exit status and output."""
        log.unlink(missing_ok=True)  # noqa: ASYNC240 - nothing else runs in this loop
        child = await self.start(command, environment, log)
        status = await child.ended
        return status, log.read_text()  # noqa: ASYNC240


@dataclass(slots=True)
class Supervised:
    """A process that is restarted whenever it was killed."""

    fork_server: ForkServer
    command: Sequence[str]
    environment: Mapping[str, str]
    log: Path
    switch_folder: Path | None = None
    lost_answers: str = ""
    bug: str = ""
    child: Child | None = field(default=None)

    async def keep_running(self) -> bool:
        """Starts it if it does not run; returns whether it did so. Raises AssertionError if it was not killed."""
        if self.child and self.child.status is None:
            return False
        assert self.child is None or self.child.status == -signal.SIGKILL, self._unexpected_end()
        self.child = await self.fork_server.start(
            self.command,
            self.environment,
            self.log,
            switch_folder=self.switch_folder,
            lost_answers=self.lost_answers,
            bug=self.bug,
        )
        return True

    async def kill(self) -> None:
        if self.child and self.child.status is None:
            with suppress(ProcessLookupError):  # killed at its point, and its end not yet reported
                os.kill(self.child.pid, signal.SIGKILL)
            await self.child.ended

    def _unexpected_end(self) -> str:
        status = self.child.status if self.child else None
        return f"{self.command[0]} ended by itself ({status}): {self.log.read_text()[-2000:]}"
