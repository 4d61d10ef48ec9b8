"""Starts, recognises and stops child processes, so that none outlives its supervisor."""

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
_SAME_START_S: Final = 2.0  # a clock correction moves the start time; a process id is reused later than this


@dataclass(frozen=True, slots=True)
class ProcessMark:
    """Identifies a process, also if its id is reused. `created_s`: seconds since the epoch."""

    pid: int
    created_s: float

    def find(self) -> psutil.Process | None:
        """The process, if it still runs."""
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
    """Starts a child in its own session, so that Ctrl-C in a terminal reaches only the supervisor.

    On Linux, the child receives `orphan_signal` when the thread that called this ends: call it from the main thread.
    `log_file`: both outputs are appended to it; None: they go to this process's outputs.
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
    """For the child between fork and exec, after it changed its user, which would undo this."""
    if sys.platform != "linux":
        return None
    prctl = ctypes.CDLL(None).prctl
    parent = os.getpid()

    def request_signal() -> None:
        prctl(_PR_SET_PDEATHSIG, int(orphan_signal))
        if os.getppid() != parent:  # it ended in between
            os.kill(os.getpid(), signal.SIGKILL)

    return request_signal


def stop(child: subprocess.Popen[bytes], steps: Iterable[tuple[signal.Signals, float]]) -> None:
    """Sends each signal and waits its seconds for the child to end; finally SIGKILL."""
    for number, timeout_s in steps:
        if child.poll() is not None:
            return
        child.send_signal(number)
        try:
            child.wait(timeout_s)
        except subprocess.TimeoutExpired:
            continue
    if child.poll() is None:
        child.kill()
        child.wait()


def stop_foreign(processes: Iterable[psutil.Process], timeout_s: float) -> None:
    """Stops processes that are not children of this one: SIGTERM, then SIGKILL."""
    left = list(processes)
    for act in (psutil.Process.terminate, psutil.Process.kill):
        for process in left:
            try:
                act(process)
            except psutil.NoSuchProcess:
                continue
        _, left = psutil.wait_procs(left, timeout=timeout_s)


def processes_working_in(*folders: Path) -> list[psutil.Process]:
    """Processes with one of these working folders. PostgreSQL's processes work in their data folder."""
    paths = {str(folder) for folder in folders}
    found = []
    for process in psutil.process_iter():
        try:
            if process.cwd() in paths:
                found.append(process)
        except psutil.Error:
            continue  # it has ended, or belongs to another user
    return found
