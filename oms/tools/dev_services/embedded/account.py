"""The user that runs PostgreSQL and Valkey. PostgreSQL refuses to run as root, so root uses another user."""

import os
import pwd
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from oms.platform.settings import CannotStart

CANDIDATES: Final = ("postgres", "nobody")
"""Unprivileged users for the engines if root runs this; the first that exists is used."""


@dataclass(frozen=True, slots=True)
class Account:
    """A user of this machine other than the current one."""

    name: str
    uid: int
    gid: int

    def popen_arguments(self) -> dict[str, Any]:
        return {"user": self.uid, "group": self.gid, "extra_groups": []}

    def can(self, test: str, path: Path) -> bool:
        """Whether `test -x` (or -r, -w) succeeds for this user on the path."""
        command = ["/bin/sh", "-c", f'test {test} "$1"', "sh", str(path)]
        return subprocess.run(command, check=False, cwd="/", **self.popen_arguments()).returncode == 0

    def require_entry(self, folder: Path) -> None:
        """Raises: CannotStart, with the outermost folder of the path that this user cannot enter."""
        for step in [*reversed(folder.parents), folder]:
            if not self.can("-x", step):
                raise CannotStart(
                    f"PostgreSQL does not run as root, and its user {self.name} cannot enter {step}."
                    f"\nSet OMS_DATA_DIR to a folder it can enter, or allow it: chmod o+x {step}"
                )


def account_for(database_dir: Path) -> Account | None:
    """The user for the engines; None: the current user. For root, the owner of the data, or a candidate.

    Raises: CannotStart if root finds no user.
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
        "Create one (useradd --system postgres), or run this as an ordinary user."
    )


def _owner(uid: int, database_dir: Path) -> Account:
    try:
        return _account(pwd.getpwuid(uid))
    except KeyError:
        raise CannotStart(
            f"{database_dir} belongs to the user with the id {uid}, which does not exist here.\n"
            f"Give it to another user (chown -R postgres {database_dir}), or set OMS_DATA_DIR to another folder."
        ) from None


def _account(entry: pwd.struct_passwd) -> Account:
    return Account(entry.pw_name, entry.pw_uid, entry.pw_gid)
