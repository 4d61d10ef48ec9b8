"""Keeps child processes running: one that ends is restarted, with growing pauses if it ends soon again."""

import signal
import subprocess
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Final

import structlog

from oms.platform.settings import CannotStart

log = structlog.get_logger(__name__)

FIRST_PAUSE_S: Final = 0.5
MAX_PAUSE_S: Final = 30.0
STABLE_S: Final = 60.0
"""After running for this long, a child is restarted with the shortest pause again."""


@dataclass(slots=True)
class Watched:
    """A supervised child: how to start and stop it, and when it is restarted."""

    name: str
    start: Callable[[], subprocess.Popen[bytes]]
    stop_timeout_s: float
    process: subprocess.Popen[bytes] | None = None
    failures: int = 0
    started_s: float = 0.0
    due_s: float | None = field(default=None)

    def launch(self) -> None:
        self.due_s = None
        self.started_s = time.monotonic()
        self.process = self.start()

    def check(self) -> None:
        """Schedules a restart if it has ended, and restarts it after the pause."""
        now_s = time.monotonic()
        if self.due_s is not None:
            if now_s >= self.due_s:
                self._relaunch()
        elif self.process and self.process.poll() is not None:
            self._schedule(ended(self.process.returncode))

    def _relaunch(self) -> None:
        try:
            self.launch()
        except (OSError, CannotStart) as problem:
            self._schedule(str(problem))

    def _schedule(self, reason: str) -> None:
        now_s = time.monotonic()
        self.failures = 1 if now_s - self.started_s >= STABLE_S else self.failures + 1
        pause_s = restart_pause_s(self.failures)
        self.due_s = now_s + pause_s
        log.error("A process ended and is restarted", child=self.name, reason=reason, pause_s=pause_s)


def restart_pause_s(failures: int) -> float:
    """Half a second after the first failure, doubling up to half a minute."""
    return min(FIRST_PAUSE_S * 2.0 ** (failures - 1), MAX_PAUSE_S)


def ended(returncode: int) -> str:
    """How a child ended."""
    if returncode >= 0:
        return f"exit code {returncode}"
    return f"killed by {signal.Signals(-returncode).name}"


def stop_all(children: Sequence[Watched]) -> None:
    """Sends SIGTERM to all, waits for each up to its timeout, and kills those that have not ended."""
    stopping = [(child, child.process) for child in children if child.process and child.process.poll() is None]
    for _, process in stopping:
        process.send_signal(signal.SIGTERM)
    for child, process in stopping:
        try:
            process.wait(child.stop_timeout_s)
        except subprocess.TimeoutExpired:
            log.warning("A process did not stop in time and is killed", child=child.name)
            process.kill()
            process.wait()
