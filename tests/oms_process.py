"""`python -m oms …` in a process forked from one that has imported the program, so that it starts at once."""

import multiprocessing
import os
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from multiprocessing.process import BaseProcess
from pathlib import Path
from typing import Final

from oms.platform.settings import PROJECT_DIR

TIMEOUT_S: Final = 60.0

_FORKS: Final = multiprocessing.get_context("forkserver")
_FORKS.set_forkserver_preload(
    [
        "pytest", "asyncpg", "oms.tools.cli.main", "oms.platform.db", "oms.platform.log.logs",
        "oms.platform.migrations",
        "oms.domain.tokens.commands", "oms.domain.identity.account_commands", "oms.domain.personal_data.commands",
        "oms.domain.concepts", "oms.tools.check.command", "oms.tools.doctor.health", "oms.tools.doctor.report",
        __name__,
    ]
)  # fmt: skip


def oms(
    *arguments: str, environment: Mapping[str, str], typed: str = "", within_s: float = TIMEOUT_S
) -> subprocess.CompletedProcess[str]:
    """Run a command to its end, as subprocess.run() does. `typed` is its standard input. Raises: TimeoutError."""
    with tempfile.TemporaryDirectory(prefix="oms-command-") as folder:
        files = Path(folder)
        (files / "0").write_text(typed)
        process = _FORKS.Process(target=_run, args=(arguments, dict(environment), folder))
        process.start()
        return subprocess.CompletedProcess(
            arguments, _exit_code(process, within_s), *((files / fd).read_text() for fd in "12")
        )


def _exit_code(process: BaseProcess, within_s: float) -> int:
    process.join(within_s)
    if process.exitcode is None:
        process.kill()
        process.join()
        raise TimeoutError(f"The command has not ended after {within_s} s.")
    return process.exitcode


def _run(arguments: tuple[str, ...], environment: dict[str, str], folder: str) -> None:
    """In the new process: connect standard input, output and error to the folder's files 0, 1 and 2."""
    for fd, flags in enumerate((os.O_RDONLY, os.O_WRONLY | os.O_CREAT, os.O_WRONLY | os.O_CREAT)):
        os.dup2(os.open(f"{folder}/{fd}", flags, 0o600), fd)
    sys.stdin, sys.stdout, sys.stderr = (os.fdopen(fd, mode, encoding="utf-8") for fd, mode in enumerate("rww"))
    os.environ.clear()
    os.environ.update(environment)
    os.chdir(PROJECT_DIR)
    sys.argv[1:] = arguments

    from oms.tools.cli.main import main

    main()
