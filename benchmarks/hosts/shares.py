"""A share of a core for all processes of a host, by the kernel's control groups, version 1 or 2."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

_ROOT: Final = Path("/sys/fs/cgroup")
_PERIOD_US: Final = 10_000
"""Short, so that a share acts like a slower core, not like one that pauses."""


class Share:
    """A control group; child processes of its members belong to it, too."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def take(self, pid: int) -> None:
        (self._folder / "cgroup.procs").write_text(str(pid))


@contextmanager
def a_share(name: str, cores: float) -> Iterator[Share]:
    """A group with so many cores. Its members must end before the block does."""
    quota_us = round(cores * _PERIOD_US)
    if (_ROOT / "cgroup.controllers").exists():
        folder = _ROOT / name
        limits = {"cpu.max": f"{quota_us} {_PERIOD_US}"}
        (_ROOT / "cgroup.subtree_control").write_text("+cpu")
    else:
        folder = _ROOT / "cpu" / name
        limits = {"cpu.cfs_period_us": str(_PERIOD_US), "cpu.cfs_quota_us": str(quota_us)}
    folder.mkdir()
    try:
        for file, value in limits.items():
            (folder / file).write_text(value)
        yield Share(folder)
    finally:
        folder.rmdir()


def require_rights() -> None:
    """Raises: SystemExit if hosts cannot be created here."""
    if os.name != "posix" or not _ROOT.exists() or os.geteuid() != 0:
        raise SystemExit("Hosts are network namespaces with control groups: run this as root on Linux.")
