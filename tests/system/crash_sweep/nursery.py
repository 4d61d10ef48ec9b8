"""Processes of the product within tens of milliseconds: `python -m tests.system.crash_sweep.nursery`.

It has imported everything, and forks for each process that it is asked for; the child runs the command as
`python -m oms` does. It reads orders from standard input, one JSON object a line, and tells of starts and ends on
standard output:

    {"start": 1, "command": ["worker"], "environment": {…}, "log": "file", "board": "folder", "deaf_to": "", "bug": ""}
    {"started": 1, "pid": 4711}
    {"ended": 4711, "status": -9}

Its children end with it.
"""

import ctypes
import gc
import json
import os
import select
import signal
import sys
import traceback
from pathlib import Path
from typing import Any, Final

_PR_SET_PDEATHSIG: Final = 1


def main() -> int:
    from tests.system.crash_sweep import watching

    _import_everything()
    watching.put_in()
    gc.freeze()
    ends, told = os.pipe()
    os.set_blocking(told, False)
    signal.signal(signal.SIGCHLD, lambda *_: None)
    signal.set_wakeup_fd(told)
    buffer = b""
    _say({"ready": True})
    while True:
        ready, _, _ = select.select([0, ends], [], [])
        if ends in ready:
            os.read(ends, 1024)
            _tell_ends()
        if 0 in ready:
            chunk = os.read(0, 65536)
            if not chunk:
                return 0
            *lines, buffer = (buffer + chunk).split(b"\n")
            for line in lines:
                _start(json.loads(line))


def _import_everything() -> None:
    import tests.system.crash_sweep.bugs  # noqa: F401 - what a child may be asked for
    from oms.schema.schema import sdl

    sdl()


def _start(order: dict[str, Any]) -> None:
    pid = os.fork()
    if pid == 0:
        _be(order)
    _say({"started": order["start"], "pid": pid})


def _tell_ends() -> None:
    while True:
        try:
            pid, status = os.waitpid(-1, os.WNOHANG)
        except ChildProcessError:
            return
        if pid == 0:
            return
        _say({"ended": pid, "status": os.waitstatus_to_exitcode(status)})


def _say(what: dict[str, Any]) -> None:
    os.write(1, json.dumps(what).encode() + b"\n")


def _be(order: dict[str, Any]) -> None:
    """The child: in a session of its own, with its own environment and outputs, running the command."""
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
        status = _run(order)
    except BaseException:  # noqa: BLE001 - whatever it is, the child ends here and must not go on as the nursery
        traceback.print_exc()
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(status)


def _run(order: dict[str, Any]) -> int:
    from oms.platform.grants import address_of
    from oms.tools.cli.main import main as run_command
    from tests.system.crash_sweep import bugs, watching
    from tests.system.crash_sweep.points import Board

    command = order["command"]
    if order["board"]:
        board = Board(Path(order["board"]), command[0])
        url = address_of(order["environment"]["OMS_DATABASE_URL"])
        watching.begin(watching.Watch(board, url, order["deaf_to"]))
    bugs.plant(order["bug"])
    sys.argv[1:] = command
    try:
        run_command()
    except SystemExit as end:
        return int(end.code or 0)
    return 0


if __name__ == "__main__":
    sys.exit(main())
