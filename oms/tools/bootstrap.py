"""Makes the project's `.venv` hold what a lock file names. Standard library only, for it runs first.

It can also be read by a Python that is too old, to say so.

    python3 oms/tools/bootstrap.py requirements.lock

A stamp in `.venv` keeps the lock file's hash, so that a second call returns at once.
"""

import hashlib
import importlib.util
import os
import subprocess
import sys
import time
from pathlib import Path

PROJECT = Path(__file__).resolve().parents[2]
OLDEST = (3, 11)


class CannotPrepare(Exception):
    """What is missing on this machine and how to mend it, in one or two lines."""


def require_python(version: "tuple[int, int]", *, ensurepip_present: bool) -> None:
    """Raises: CannotPrepare if this Python is too old, or was packaged without what makes environments."""
    if version < OLDEST:
        have, need = ".".join(map(str, version)), ".".join(map(str, OLDEST))
        raise CannotPrepare(
            f"Python {need} or newer is needed, this is {have} ({sys.executable}).\nName another one: make PYTHON=…"
        )
    if not ensurepip_present:
        name = "python{}.{}-venv".format(*version)
        raise CannotPrepare(
            f"This Python ({sys.executable}) has no ensurepip, so it cannot make a virtual environment.\n"
            f"On Debian or Ubuntu: apt-get install {name}; or name another Python: make PYTHON=…"
        )


def works(python: Path) -> bool:
    """Whether an interpreter is there, starts, and has pip: a half-made environment has not."""
    if not python.exists():
        return False
    return subprocess.run([python, "-c", "import pip"], check=False, capture_output=True).returncode == 0


def make_environment(venv: Path) -> Path:
    """Create the environment unless a working one stands there; return its interpreter."""
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
        raise CannotPrepare(f"{sys.executable} could not make {venv}; its own message stands above.")
    return python


def install(python: Path, lock_file: Path) -> None:
    """Install the pins of one lock file, hashes checked. It is complete, so nothing is resolved."""
    say(f"Installing {lock_file.name}")
    quietly = ["--quiet", "--disable-pip-version-check", "--no-compile"]
    pinned = ["--no-deps", "--require-hashes", "-r", str(lock_file)]
    installed = subprocess.run([str(python), "-m", "pip", "install", *quietly, *pinned], check=False)
    if installed.returncode:
        raise CannotPrepare(f"pip could not install {lock_file.name}; its own message stands above.")


def prepare(lock_file: Path, venv: Path) -> None:
    """Bring `.venv` to what the lock file says, or return at once if it is there already.

    Raises: CannotPrepare, with what to do about it.
    """
    stamp = venv / f".{lock_file.name}"
    if venv.exists() and not os.access(venv, os.W_OK):
        raise CannotPrepare(f"{venv} belongs to another user. Remove it, or run this as its owner.")
    wanted = hashlib.sha256(lock_file.read_bytes()).hexdigest()
    if not (stamp.exists() and stamp.read_text() == wanted):
        began_s = time.monotonic()
        install(make_environment(venv), lock_file)
        say(f"{venv.name} is ready after {time.monotonic() - began_s:.0f} s")
    stamp.write_text(wanted)  # also when nothing changed: make compares the files' times


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
