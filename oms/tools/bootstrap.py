"""Installs the packages of a lock file into the project's `.venv`. It uses the standard library only, as it runs first.

An older Python can read it, too, and reports that it is too old.

    python3 oms/tools/bootstrap.py requirements.lock

A stamp in `.venv` has the lock file's hash, so that a second call returns at once.
"""

import hashlib
import importlib.util
import os
import subprocess
import sys
import time
from pathlib import Path

PROJECT = Path(__file__).resolve().parents[2]
MIN_PYTHON = (3, 11)


class CannotPrepare(Exception):
    """What is missing on this machine and what to do, in one or two lines."""


def require_python(version: "tuple[int, int]", *, ensurepip_present: bool) -> None:
    """Raises: CannotPrepare if this Python is too old, or cannot create virtual environments."""
    if version < MIN_PYTHON:
        have, need = ".".join(map(str, version)), ".".join(map(str, MIN_PYTHON))
        raise CannotPrepare(
            f"Python {need} or newer is needed, this is {have} ({sys.executable}).\nUse another one: make PYTHON=…"
        )
    if not ensurepip_present:
        name = "python{}.{}-venv".format(*version)
        raise CannotPrepare(
            f"This Python ({sys.executable}) has no ensurepip, so it cannot create a virtual environment.\n"
            f"On Debian or Ubuntu: apt-get install {name}; or use another Python: make PYTHON=…"
        )


def works(python: Path) -> bool:
    """Whether the interpreter exists, starts, and has pip. An incomplete environment does not."""
    if not python.exists():
        return False
    return subprocess.run([python, "-c", "import pip"], check=False, capture_output=True).returncode == 0


def make_environment(venv: Path) -> Path:
    """Creates the environment unless there is a working one; returns its interpreter."""
    python = venv / "bin" / "python"
    if works(python):
        return python
    require_python(
        (sys.version_info[0], sys.version_info[1]),
        ensurepip_present=importlib.util.find_spec("ensurepip") is not None,
    )
    say(f"Creating {venv.name} with Python {sys.version.split()[0]}")
    made = subprocess.run([sys.executable, "-m", "venv", "--clear", venv], check=False)
    if made.returncode:
        raise CannotPrepare(f"{sys.executable} could not create {venv}; see its message above.")
    return python


def install(python: Path, lock_file: Path) -> None:
    """Installs the packages of a complete lock file, with their hashes checked: nothing is resolved."""
    say(f"Installing {lock_file.name}")
    quietly = ["--quiet", "--disable-pip-version-check", "--no-compile"]
    pinned = ["--no-deps", "--require-hashes", "-r", str(lock_file)]
    installed = subprocess.run([str(python), "-m", "pip", "install", *quietly, *pinned], check=False)
    if installed.returncode:
        raise CannotPrepare(f"pip could not install {lock_file.name}; see its message above.")


def prepare(lock_file: Path, venv: Path) -> None:
    """Updates `.venv` to the lock file, or returns at once if it is up to date.

    Raises: CannotPrepare, with what to do.
    """
    stamp = venv / f".{lock_file.name}"
    if venv.exists() and not os.access(venv, os.W_OK):
        raise CannotPrepare(f"{venv} belongs to another user. Remove it, or run this as its owner.")
    current = hashlib.sha256(lock_file.read_bytes()).hexdigest()
    if not (stamp.exists() and stamp.read_text() == current):
        started_s = time.monotonic()
        install(make_environment(venv), lock_file)
        say(f"{venv.name} is ready after {time.monotonic() - started_s:.0f} s")
    stamp.write_text(current)  # also if nothing changed: make compares the files' times


def say(line: str) -> None:
    print(line, file=sys.stderr, flush=True)


def main() -> int:
    try:
        prepare(PROJECT / sys.argv[1], PROJECT / ".venv")
    except CannotPrepare as problem:
        say(str(problem))
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
