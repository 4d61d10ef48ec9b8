"""Restores the embedded PostgreSQL as it was at an instant: a base backup, recovered with the archive."""

import os
import re
import shlex
import shutil
import signal
import time
from collections.abc import Iterator, Mapping
from datetime import datetime
from pathlib import Path
from typing import Final

from oms.platform.settings import CannotStart
from oms.tools.dev_services.embedded.account import Account, account_for
from oms.tools.dev_services.embedded.backup import BackupFolder, BaseBackup
from oms.tools.dev_services.embedded.folder import DataFolder
from oms.tools.dev_services.embedded.ports import free_port, last_lines
from oms.tools.dev_services.embedded.postgres import PostgresServer, launch
from oms.tools.dev_services.embedded.process import stop
from oms.tools.dev_services.embedded.programs import Programs, programs_for

_CHECK_EVERY_S: Final = 0.1
_LOG: Final = "restore"


def restore(backups: BackupFolder, data_dir: Path, *, to: datetime | None, lost_wal: Path | None) -> BaseBackup:
    """Restores everything that was committed up to `to`, or all of the archive, into a data folder without a database.

    `lost_wal`: the folder pg_wal of the lost instance, if it is readable, for changes that were not archived yet.
    Returns the base backup that was used. Raises: CannotStart; the data folder then has no database, so the restore can
    be repeated.
    """
    base = _newest_before(backups, to)
    with DataFolder(data_dir) as folder:
        if folder.database_dir.exists():
            raise CannotStart(f"{data_dir} has a database already. Restore into another folder: set OMS_DATA_DIR.")
        account = account_for(folder.database_dir)
        unfinished = folder.unfinished_database_dir
        shutil.rmtree(unfinished, ignore_errors=True)
        shutil.copytree(base.folder, unfinished, symlinks=True)
        (unfinished / "recovery.signal").touch()
        if account:
            _change_owner(account, unfinished)
        programs = programs_for(account, folder)
        _recover(folder, programs, account, unfinished, _recovery_settings(backups, to, lost_wal))
        _continue_archive(backups, unfinished, lost_wal)
        PostgresServer(folder, programs, account, durable=True).renew_passwords(unfinished)
        unfinished.rename(folder.database_dir)
    return base


def _newest_before(backups: BackupFolder, to: datetime | None) -> BaseBackup:
    bases = backups.bases()
    if not bases:
        raise CannotStart(f"There is no backup in {backups.path}.")
    fitting = [base for base in bases if to is None or base.complete_at <= to]
    if not fitting:
        oldest = f"{bases[0].complete_at:%Y-%m-%dT%H:%M:%SZ}"
        raise CannotStart(f"The oldest backup in {backups.path} is of {oldest}: choose a later instant.")
    return fitting[-1]


def _continue_archive(backups: BackupFolder, data_dir: Path, lost_wal: Path | None) -> None:
    """Adds to the archive what leads from the base backup to the restored server's own changes.

    Otherwise the next restore, if it came before the next base backup, would find no way beyond this one: neither the
    history of the new timeline, nor the files that only the lost instance had.
    """
    newest = max((data_dir / "pg_wal").glob("*.history"), key=lambda file: file.name)
    backups.add(newest)
    for parent, end in _history(newest.read_text()):
        for file in (lost_wal or data_dir / "pg_wal").iterdir():
            if _WAL.fullmatch(file.name) and file.name[:8] == parent and file.name[8:] < end:
                backups.add(file)


def _history(text: str) -> Iterator[tuple[str, str]]:
    """Each earlier timeline, and the log file in which it ended: its name without the timeline."""
    for timeline, high, low in _ENDED.findall(text):
        number = int(low, 16) >> _SEGMENT_BITS
        yield f"{int(timeline):08X}", f"{int(high, 16):08X}{number:08X}"


_WAL: Final = re.compile("[0-9A-F]{24}")
_ENDED: Final = re.compile(r"^(\d+)\t([0-9A-F]+)/([0-9A-F]+)", re.MULTILINE)
_SEGMENT_BITS: Final = 24
"""initdb's default: files of 16 MiB."""


def _recovery_settings(backups: BackupFolder, to: datetime | None, lost_wal: Path | None) -> Mapping[str, str]:
    sources = [folder for folder in (backups.wal, lost_wal) if folder is not None]
    fetch = " || ".join(f'cp {shlex.quote(str(folder)).replace("%", "%%")}/%f "%p"' for folder in sources)
    settings = {"restore_command": fetch, "recovery_target_action": "promote", "archive_mode": "off"}
    if to is not None:
        settings["recovery_target_time"] = to.isoformat(sep=" ")
    return settings


def _recover(
    folder: DataFolder, programs: Programs, account: Account | None, data_dir: Path, settings: Mapping[str, str]
) -> None:
    """Runs the server until it has reached the instant; it then removes its signal file."""
    log_file = folder.log_file(_LOG)
    settings = {**settings, "port": str(free_port(0))}
    process = launch(programs.postgres, data_dir, settings, account=account, log_file=log_file)
    folder.record_child(process.pid)
    try:
        while (data_dir / "recovery.signal").exists():
            if process.poll() is not None:
                raise CannotStart(_why(log_file))
            time.sleep(_CHECK_EVERY_S)
    finally:
        stop(process, ((signal.SIGINT, 60.0), (signal.SIGQUIT, 5.0)))


def _why(log_file: Path) -> str:
    lines = last_lines(log_file, 8)
    if "before configured recovery target was reached" in lines:
        return "The archive ends before that instant. Leave --to out to restore to its end, or add --lost-wal."
    return f"PostgreSQL could not restore. The end of {log_file}:\n{lines}"


def _change_owner(account: Account, folder: Path) -> None:
    for parent, _, names in os.walk(folder):
        for path in (Path(parent), *(Path(parent) / name for name in names)):
            os.chown(path, account.uid, account.gid, follow_symlinks=False)
