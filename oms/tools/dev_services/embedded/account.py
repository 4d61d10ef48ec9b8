"""The user that PostgreSQL and Valkey run as. PostgreSQL refuses root, so root names another."""

import os
import pwd
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from oms.platform.settings import CannotStart

CANDIDATES: Final = ("postgres", "nobody")
"""Users root may hand the engines to, the first that exists; neither may do anything else."""


@dataclass(frozen=True, slots=True)
class Account:
    """A user of this machine other than the one we run as."""

    name: str
    uid: int
    gid: int

    def popen_arguments(self) -> dict[str, Any]:
        return {"user": self.uid, "group": self.gid, "extra_groups": []}

    def can(self, test: str, path: Path) -> bool:
        """Ask the system itself whether this user passes `test -x` (or -r, -w) on the path."""
        command = ["/bin/sh", "-c", f'test {test} "$1"', "sh", str(path)]
        return subprocess.run(command, check=False, cwd="/", **self.popen_arguments()).returncode == 0

    def require_entry(self, folder: Path) -> None:
        """Raises: CannotStart naming the outermost folder on the way that this user cannot enter."""
        for step in [*reversed(folder.parents), folder]:
            if not self.can("-x", step):
                raise CannotStart(
                    f"PostgreSQL does not run as root, and its user {self.name} cannot enter {step}."
                    f"\nSet OMS_DATA_DIR to a folder it can enter, or allow it: chmod o+x {step}"
                )


def account_for(database_dir: Path) -> Account | None:
    """Who runs the engines: None is ourselves. For root, the owner of the data, else a candidate.

    Raises: CannotStart if root finds nobody.
    """
    if os.geteuid() != 0:
        return None
    if database_dir.exists() and (owner := database_dir.stat().st_uid) != 0:
        return _owner(owner, database_dir)
    for name in CANDIDATES:
        try:
            return _account(pwd.getpwnam(name))
        except KeyError:
            continue
    raise CannotStart(
        f"PostgreSQL does not run as root, and none of the users {', '.join(CANDIDATES)} exists.\n"
        "Make one (useradd --system postgres), or run this as an ordinary user."
    )


def _owner(uid: int, database_dir: Path) -> Account:
    try:
        return _account(pwd.getpwuid(uid))
    except KeyError:
        raise CannotStart(
            f"{database_dir} belongs to the user number {uid}, who does not exist here.\n"
            f"Give it to one who does (chown -R postgres {database_dir}), or set OMS_DATA_DIR to another folder."
        ) from None


def _account(entry: pwd.struct_passwd) -> Account:
    return Account(entry.pw_name, entry.pw_uid, entry.pw_gid)
