"""The users that run PostgreSQL and Valkey, and the program itself: if root starts them, they run as other users."""

import os
import pwd
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from oms.platform.settings import PROJECT_DIR, CannotStart

CANDIDATES: Final = ("postgres", "nobody")
"""Unprivileged users for the engines if root runs this; the first that exists is used."""

PROGRAM_CANDIDATES: Final = ("oms", "www-data", "nobody")
"""The same for web and worker processes; not the database's user, who may read its files."""

ROOT: Final = "root"


@dataclass(frozen=True, slots=True)
class Account:
    """A user of this machine other than the current one."""

    name: str
    uid: int
    gid: int

    def popen_arguments(self) -> dict[str, Any]:
        return {"user": self.uid, "group": self.gid, "extra_groups": []}

    @property
    def environment(self) -> dict[str, str]:
        """Without root's home, which programs would look into."""
        return {"HOME": "/", "USER": self.name, "LOGNAME": self.name}

    def become(self) -> None:
        """From now on this process is the user's, for good."""
        os.setgroups([])
        os.setgid(self.gid)
        os.setuid(self.uid)
        os.environ.update(self.environment)

    def owns(self, folder: Path) -> None:
        """Creates the folder if it is missing, and gives it and the files in it to the user.

        Raises: CannotStart if the user cannot enter it.
        """
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        for path in (folder, *folder.iterdir()):
            os.chown(path, self.uid, self.gid, follow_symlinks=False)
        self.require_entry(folder)

    @property
    def can_read_program(self) -> bool:
        """Whether the user may start Python, and read the program and its packages."""
        needed = {Path(sys.executable): "-x", Path(sys.prefix) / "lib": "-x", PROJECT_DIR / "oms/__main__.py": "-r"}
        return all(self.can(test, path) for path, test in needed.items())

    def can(self, test: str, path: Path) -> bool:
        """Whether `test -x` (or -r, -w) succeeds for this user on the path."""
        command = ["/bin/sh", "-c", f'test {test} "$1"', "sh", str(path)]
        return subprocess.run(command, check=False, cwd="/", **self.popen_arguments()).returncode == 0

    def require_entry(self, folder: Path) -> None:
        """Raises: CannotStart, with the outermost folder of the path that this user cannot enter."""
        for step in [*reversed(folder.parents), folder]:
            if not self.can("-x", step):
                raise CannotStart(
                    f"This does not run as root, and its user {self.name} cannot enter {step}."
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


def account_for_program(name: str | None) -> Account | None:
    """The user for web and worker processes that root starts; None: they stay the current user's.

    `name`: the user that the settings name, which may be root. Raises: CannotStart if no user can read the program.
    """
    if os.geteuid() != 0 or name == ROOT:
        return None
    candidates = (name,) if name else PROGRAM_CANDIDATES
    for candidate in candidates:
        try:
            account = _account(pwd.getpwnam(candidate))
        except KeyError:
            continue
        if account.can_read_program:
            return account
    raise CannotStart(
        f"Web and worker do not run as root, and none of the users {', '.join(candidates)} can read {PROJECT_DIR}.\n"
        "Start them as an ordinary user, name one that can read it in OMS_RUN_AS, or set OMS_RUN_AS=root."
    )
