"""Backups of the embedded PostgreSQL: base backups and an archive of all later changes, to restore any instant.

The backup folder has one `base-INSTANT` for each base backup, named by when it was complete (UTC), and `wal`, the
archive of the write-ahead log, to which the server adds while it runs.

Source: PostgreSQL 18, chapter "Continuous Archiving and Point-in-Time Recovery (PITR)".
"""

import os
import re
import shlex
import shutil
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final

from sqlalchemy.engine import make_url

from oms.platform.settings import CannotStart
from oms.tools.dev_services.embedded.account import Account
from oms.tools.dev_services.embedded.programs import tool

ARCHIVE_EVERY_S: Final = 50
"""Changes are archived at least so often, however few there are: within a minute they are in the archive."""

_NAME: Final = "base-%Y%m%dT%H%M%SZ"
_FIRST_WAL: Final = re.compile(r"^START WAL LOCATION: \S+ \(file ([0-9A-F]{24})\)", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class BaseBackup:
    """A complete base backup, and the earliest instant to which it can be recovered."""

    folder: Path
    complete_at: datetime

    @property
    def first_wal(self) -> str:
        """The oldest file of the archive that its recovery needs."""
        found = _FIRST_WAL.search((self.folder / "backup_label").read_text())
        if found is None:
            raise CannotStart(f"{self.folder} is not a base backup: its backup_label is damaged.")
        return found[1]


@dataclass(frozen=True, slots=True)
class BackupFolder:
    """The backup folder of one instance."""

    path: Path

    @property
    def wal(self) -> Path:
        return self.path / "wal"

    def bases(self) -> list[BaseBackup]:
        """The complete base backups, oldest first."""
        found = []
        for folder in sorted(self.path.glob("base-*Z")):
            complete_at = datetime.strptime(folder.name, _NAME).replace(tzinfo=UTC)
            found.append(BaseBackup(folder, complete_at))
        return found

    def prepare(self, account: Account | None) -> None:
        """Creates it, and lets the server's user write to the archive. Raises: CannotStart."""
        try:
            self.wal.mkdir(mode=0o700, parents=True, exist_ok=True)
            if account:
                os.chown(self.wal, account.uid, account.gid)
        except OSError as problem:
            raise CannotStart(
                f"The backup folder {self.path} cannot be used: {problem.strerror}.\n"
                "Set OMS_BACKUP_DIR to a folder of your own, best on another disk, or unset it."
            ) from problem
        if account:
            account.require_entry(self.wal)

    def archiving(self) -> Mapping[str, str]:
        """PostgreSQL's settings. An archived file must stay the same: two servers never share a folder."""
        wal = shlex.quote(str(self.wal)).replace("%", "%%")
        copy = f"cp %p {wal}/%f.part && sync {wal}/%f.part && mv {wal}/%f.part {wal}/%f"
        return {
            "archive_mode": "on",
            "archive_command": f"if test -f {wal}/%f; then cmp -s %p {wal}/%f; else {copy}; fi",
            "archive_timeout": str(ARCHIVE_EVERY_S),
        }

    def add(self, file: Path) -> None:
        """Adds a file to the archive, for the same user as the folder; one that is there already stays."""
        if (self.wal / file.name).exists():
            return
        unfinished = self.wal / f"{file.name}.part"
        shutil.copyfile(file, unfinished)
        owner = self.wal.stat()
        os.chown(unfinished, owner.st_uid, owner.st_gid)
        unfinished.chmod(0o600)
        unfinished.rename(self.wal / file.name)

    def take(self, owner_url: str) -> BaseBackup:
        """Makes a base backup of the running server and verifies it. Raises: CannotStart, with the tools' messages."""
        unfinished = self.path / "base-unfinished"
        shutil.rmtree(unfinished, ignore_errors=True)
        url = make_url(owner_url)
        server = ["--host", str(url.host), "--port", str(url.port), "--username", str(url.username), "--no-password"]
        copying: list[str | Path] = [
            tool("pg_basebackup"),
            *server,
            "--pgdata",
            unfinished,
            "--checkpoint=fast",
            "--wal-method=stream",
        ]
        _run(copying, {"PGPASSWORD": str(url.password)})
        _run([tool("pg_verifybackup"), "--quiet", unfinished])
        # The next full second, so that recovery to any instant from the name on is possible.
        complete_at = datetime.now(UTC).replace(microsecond=0) + timedelta(seconds=1)
        folder = unfinished.rename(self.path / complete_at.strftime(_NAME))
        return BaseBackup(folder, complete_at)

    def keep(self, newest: int) -> list[BaseBackup]:
        """Removes all but the newest base backups, and the part of the archive that only they needed. Returns them."""
        bases = self.bases()
        old, kept = bases[:-newest], bases[-newest:]
        going = self.path / "base-going"  # a partly removed base backup must not look complete
        shutil.rmtree(going, ignore_errors=True)
        for base in old:
            shutil.rmtree(base.folder.rename(going))
        if old:
            _run([tool("pg_archivecleanup"), self.wal, kept[0].first_wal])
        return old


def _run(command: Sequence[str | Path], environment: Mapping[str, str] | None = None) -> None:
    known = {"PATH": os.defpath, "LC_ALL": "C", "TZ": "UTC"} | dict(environment or {})
    done = subprocess.run(command, env=known, capture_output=True, text=True, check=False)
    if done.returncode:
        raise CannotStart(f"{Path(command[0]).name} failed: {done.stderr.strip() or done.returncode}")
