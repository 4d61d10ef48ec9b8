"""Children that are kept running: one that ends is started again, later each time it ends soon."""

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
LONGEST_PAUSE_S: Final = 30.0
STEADY_S: Final = 60.0
"""A child that ran this long starts with the shortest pause again."""


@dataclass(slots=True)
class Watched:
    """A child under watch: how it is started and stopped, and when it may start again."""

    name: str
    start: Callable[[], subprocess.Popen[bytes]]
    stop_patience_s: float
    process: subprocess.Popen[bytes] | None = None
    failures: int = 0
    started_s: float = 0.0
    due_s: float | None = field(default=None)

    def launch(self) -> None:
        self.due_s = None
        self.started_s = time.monotonic()
        self.process = self.start()

    def look(self) -> None:
        """Notice its end, or start it again once its pause is over."""
        now_s = time.monotonic()
        if self.due_s is not None:
            if now_s >= self.due_s:
                self._relaunch()
        elif self.process and self.process.poll() is not None:
            self._plan(ended(self.process.returncode))

    def _relaunch(self) -> None:
        try:
            self.launch()
        except (OSError, CannotStart) as problem:
            self._plan(str(problem))

    def _plan(self, reason: str) -> None:
        now_s = time.monotonic()
        self.failures = 1 if now_s - self.started_s >= STEADY_S else self.failures + 1
        pause_s = restart_pause_s(self.failures)
        self.due_s = now_s + pause_s
        log.error("A process ended and is started again", child=self.name, reason=reason, pause_s=pause_s)


def restart_pause_s(failures: int) -> float:
    """Half a second after the first end, doubled with each further one, at most half a minute."""
    return min(FIRST_PAUSE_S * 2.0 ** (failures - 1), LONGEST_PAUSE_S)


def ended(returncode: int) -> str:
    """How a child ended, in words."""
    if returncode >= 0:
        return f"exit code {returncode}"
    return f"killed by {signal.Signals(-returncode).name}"


def stop_all(children: Sequence[Watched]) -> None:
    """Ask all at once, then wait for each as long as it may take; who is slower is killed."""
    asked = [(child, child.process) for child in children if child.process and child.process.poll() is None]
    for _, process in asked:
        process.send_signal(signal.SIGTERM)
    for child, process in asked:
        try:
            process.wait(child.stop_patience_s)
        except subprocess.TimeoutExpired:
            log.warning("A process did not stop in time and is killed", child=child.name)
            process.kill()
            process.wait()
