"""Starts processes of the product within tens of milliseconds: `python -m tests.system.crash_sweep.fork_server`.

It has imported everything and forks each process; the child runs its command as `python -m oms` does. It reads orders
from standard input, one JSON object a line, and reports starts and ends on standard output:

    {"start": 1, "command": ["worker"], "environment": {…}, "log": "file", "switch_folder": "", …}
    {"started": 1, "pid": 4711}
    {"ended": 4711, "status": -9}

Its children end with it.
"""

import ctypes
import gc
import importlib
import json
import os
import select
import signal
import sys
import traceback
from pathlib import Path
from typing import Any, Final

from oms.schema.schema import sdl

_PR_SET_PDEATHSIG: Final = 1


def main() -> int:
    from tests.system.crash_sweep import instrumentation

    _import_everything()
    instrumentation.install()
    gc.freeze()
    ended, wakeup = os.pipe()
    os.set_blocking(wakeup, False)
    signal.signal(signal.SIGCHLD, lambda *_: None)
    signal.set_wakeup_fd(wakeup)
    buffer = b""
    _report({"ready": True})
    while True:
        ready, _, _ = select.select([0, ended], [], [])
        if ended in ready:
            os.read(ended, 1024)
            _report_ends()
        if 0 in ready:
            chunk = os.read(0, 65536)
            if not chunk:
                return 0
            *lines, buffer = (buffer + chunk).split(b"\n")
            for line in lines:
                _start(json.loads(line))


def _import_everything() -> None:
    """What the children need: importing it takes two seconds, building the schema another one."""
    for module in (
        "oms.tools.cli.main",
        "oms.tools.serve",
        "oms.app",
        "oms.jobs.worker",
        "oms.providers.sandbox.http_service",
        "oms.tools.check.command",
        "tests.system.crash_sweep.bugs",
    ):
        importlib.import_module(module)
    sdl()


def _start(order: dict[str, Any]) -> None:
    pid = os.fork()
    if pid == 0:
        _run_child(order)
    _report({"started": order["start"], "pid": pid})


def _report_ends() -> None:
    while True:
        try:
            pid, status = os.waitpid(-1, os.WNOHANG)
        except ChildProcessError:
            return
        if pid == 0:
            return
        _report({"ended": pid, "status": os.waitstatus_to_exitcode(status)})


def _report(message: dict[str, Any]) -> None:
    os.write(1, json.dumps(message).encode() + b"\n")


def _run_child(order: dict[str, Any]) -> None:
    """Runs the command in a session, an environment and with outputs of its own. Never returns."""
    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
    signal.set_wakeup_fd(-1)
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    os.setsid()
    os.environ.clear()
    os.environ.update(order["environment"])
    log = os.open(order["log"], os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644)
    for number, source in ((0, os.open(os.devnull, os.O_RDONLY)), (1, log), (2, log)):
        os.dup2(source, number)
    status = 1
    try:
        status = _run_command(order)
    except BaseException:  # noqa: BLE001 - the child ends here in any case: it must not continue as the fork server
        traceback.print_exc()
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(status)


def _run_command(order: dict[str, Any]) -> int:
    from oms.platform.grants import address_of
    from oms.tools.cli.main import main as run_command
    from tests.system.crash_sweep import bugs, instrumentation
    from tests.system.crash_sweep.kill_switch import KillSwitch

    command = order["command"]
    if order["switch_folder"]:
        switch = KillSwitch(Path(order["switch_folder"]), command[0])
        url = address_of(order["environment"]["OMS_DATABASE_URL"])
        instrumentation.start(instrumentation.Watch(switch, url, order["lost_answers"]))
    bugs.plant(order["bug"])
    sys.argv[1:] = command
    try:
        run_command()
    except SystemExit as end:
        return int(end.code or 0)
    return 0


if __name__ == "__main__":
    sys.exit(main())
