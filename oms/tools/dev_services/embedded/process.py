"""Child processes that never outlive their supervisor unnoticed: started, recognised, stopped for sure."""

import ctypes
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import psutil

from oms.tools.dev_services.embedded.account import Account

_PR_SET_PDEATHSIG: Final = 1  # Linux, prctl(2)
_SAME_START_S: Final = 2.0  # a corrected clock moves the start that the system tells; a process id comes back later


@dataclass(frozen=True, slots=True)
class ProcessMark:
    """Tells a process from a later one under the same id. `created_s` is seconds since the epoch."""

    pid: int
    created_s: float

    def find(self) -> psutil.Process | None:
        """The process if it still runs."""
        try:
            process = psutil.Process(self.pid)
            same = abs(process.create_time() - self.created_s) < _SAME_START_S
            return process if same and process.status() != psutil.STATUS_ZOMBIE else None
        except psutil.NoSuchProcess:
            return None


def mark_of(pid: int) -> ProcessMark:
    """Raises: psutil.NoSuchProcess."""
    return ProcessMark(pid, psutil.Process(pid).create_time())


def spawn(
    command: Sequence[str | Path],
    *,
    account: Account | None = None,
    log_file: Path | None = None,
    environment: Mapping[str, str] | None = None,
    working_dir: Path | None = None,
    pass_fds: Sequence[int] = (),
    stdin_pipe: bool = False,
    orphan_signal: signal.Signals = signal.SIGTERM,
) -> subprocess.Popen[bytes]:
    """Start a child in a session of its own, so that a terminal's Ctrl-C reaches the supervisor alone.

    On Linux the child gets `orphan_signal` when the thread that called this ends, however it ends: call it
    from the main thread. With a log file, both outputs are appended there; without, they go where ours go.
    """
    output = log_file.open("ab") if log_file else None
    try:
        return subprocess.Popen(
            command,
            stdin=subprocess.PIPE if stdin_pipe else subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT if output else None,
            env=environment,
            cwd=working_dir,
            pass_fds=pass_fds,
            start_new_session=True,
            preexec_fn=_die_with_parent(orphan_signal),  # noqa: PLW1509 - allocates nothing, locks nothing
            **(account.popen_arguments() if account else {}),
        )
    finally:
        if output:
            output.close()


def _die_with_parent(orphan_signal: signal.Signals) -> Callable[[], None] | None:
    """What the child does between fork and exec, after it changed its user (which would undo it)."""
    if sys.platform != "linux":
        return None
    prctl = ctypes.CDLL(None).prctl
    parent = os.getpid()

    def arrange() -> None:
        prctl(_PR_SET_PDEATHSIG, int(orphan_signal))
        if os.getppid() != parent:  # it died in between
            os.kill(os.getpid(), signal.SIGKILL)

    return arrange


def stop(child: subprocess.Popen[bytes], steps: Iterable[tuple[signal.Signals, float]]) -> None:
    """Send each signal in turn, waiting its seconds for the child to end; SIGKILL comes last of itself."""
    for number, patience_s in steps:
        if child.poll() is not None:
            return
        child.send_signal(number)
        try:
            child.wait(patience_s)
        except subprocess.TimeoutExpired:
            continue
    if child.poll() is None:
        child.kill()
        child.wait()


def stop_strangers(processes: Iterable[psutil.Process], patience_s: float) -> None:
    """End processes that are not our children: SIGTERM, then SIGKILL, then wait until they are gone."""
    left = list(processes)
    for act in (psutil.Process.terminate, psutil.Process.kill):
        for process in left:
            try:
                act(process)
            except psutil.NoSuchProcess:
                continue
        _, left = psutil.wait_procs(left, timeout=patience_s)


def processes_working_in(*folders: Path) -> list[psutil.Process]:
    """Processes whose working folder is one of these: PostgreSQL's, each backend too, work in their data."""
    wanted = {str(folder) for folder in folders}
    found = []
    for process in psutil.process_iter():
        try:
            if process.cwd() in wanted:
                found.append(process)
        except psutil.Error:
            continue  # gone in the meantime, or another user's
    return found
