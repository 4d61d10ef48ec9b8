"""The processes of one instance, forked from the nursery; whoever dies of a kill is there again in a moment."""

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
    """A process of the product. `ended` gives its exit status, negative for a signal."""

    pid: int
    ended: asyncio.Future[int]

    @property
    def status(self) -> int | None:
        return self.ended.result() if self.ended.done() else None


class Nursery:
    """Forks processes of the product; entered, it is there and has imported everything."""

    def __init__(self) -> None:
        self._numbers = count(1)
        self._starting: dict[int, asyncio.Future[Child]] = {}
        self._children: dict[int, Child] = {}
        self._ready: asyncio.Future[None]
        self._process: asyncio.subprocess.Process
        self._listening: asyncio.Task[None]

    async def __aenter__(self) -> Self:
        self._process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "tests.system.crash_sweep.nursery"),
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
            self._hear(json.loads(line))
        ended = RuntimeError(f"the nursery ended ({await self._process.wait()}); its own message stands above")
        waiting: list[asyncio.Future[Any]] = [
            self._ready,
            *self._starting.values(),
            *(child.ended for child in self._children.values()),
        ]
        for future in waiting:
            if not future.done():
                future.set_exception(ended)

    def _hear(self, told: Mapping[str, Any]) -> None:
        match told:
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
        board: Path | None = None,
        deaf_to: str = "",
        bug: str = "",
    ) -> Child:
        """A process that runs `python -m oms COMMAND`; under watch where it has a board."""
        number = next(self._numbers)
        started: asyncio.Future[Child] = asyncio.get_running_loop().create_future()
        self._starting[number] = started
        order = {"start": number, "command": list(command), "environment": dict(environment), "log": str(log)}
        order |= {"board": str(board or ""), "deaf_to": deaf_to, "bug": bug}
        assert self._process.stdin
        self._process.stdin.write(json.dumps(order).encode() + b"\n")
        return await started

    async def run(self, command: Sequence[str], environment: Mapping[str, str], log: Path) -> tuple[int, str]:
        """A command to its end: exit status and output."""
        log.unlink(missing_ok=True)  # noqa: ASYNC240 - nobody else waits for this loop
        child = await self.start(command, environment, log)
        status = await child.ended
        return status, log.read_text()  # noqa: ASYNC240


@dataclass(slots=True)
class Kept:
    """A process that is started again whenever it has died: a supervisor's part, played by the sweep."""

    nursery: Nursery
    command: Sequence[str]
    environment: Mapping[str, str]
    log: Path
    board: Path | None = None
    deaf_to: str = ""
    bug: str = ""
    child: Child | None = field(default=None)

    async def keep(self) -> bool:
        """Starts it if it does not run; whether it did so. Raises AssertionError if it ended by itself."""
        if self.child and self.child.status is None:
            return False
        assert self.child is None or self.child.status == -signal.SIGKILL, self._ended_by_itself()
        self.child = await self.nursery.start(
            self.command, self.environment, self.log, board=self.board, deaf_to=self.deaf_to, bug=self.bug
        )
        return True

    async def kill(self) -> None:
        if self.child and self.child.status is None:
            with suppress(ProcessLookupError):  # it was killed at its point, which is not heard of yet
                os.kill(self.child.pid, signal.SIGKILL)
            await self.child.ended

    def _ended_by_itself(self) -> str:
        status = self.child.status if self.child else None
        return f"{self.command[0]} ended by itself ({status}): {self.log.read_text()[-2000:]}"
