"""`python -m oms backup` and `restore`: copies of the embedded database, and a database made from them."""

import asyncio
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from oms.platform.settings import CannotStart, Settings
from oms.tools.cli.start import settings_of

if TYPE_CHECKING:
    from oms.tools.dev_services.embedded.backup import BackupFolder

_INSTANT_FORMATS = ["%Y-%m-%dT%H:%M:%SZ", "%Y-%m-%dT%H:%M:%S.%fZ"]


def backup(
    keep: Annotated[
        int | None, typer.Option(min=1, help="Keep this many of the newest backups and remove the others.")
    ] = None,
) -> None:
    """Copy the running instance's database to OMS_BACKUP_DIR, and verify the copy."""
    from oms.tools.dev_services.embedded import running_instance

    settings = settings_of("backup")
    instance = running_instance(settings.data_dir)
    if settings.database_url or not (instance and instance.owner_url):
        raise CannotStart(_NOT_EMBEDDED.format(settings.data_dir))
    asyncio.run(_require_archiving(instance.owner_url))
    backups = _folder(settings)
    base = backups.take(instance.owner_url)
    typer.echo(f"{base.folder}, complete at {base.complete_at:%Y-%m-%dT%H:%M:%SZ}: verified.")
    if keep is not None:
        for old in backups.keep(keep):
            typer.echo(f"{old.folder} removed.")


def restore(
    to: Annotated[
        datetime | None,
        typer.Option(formats=_INSTANT_FORMATS, help="UTC; default: the last archived change."),
    ] = None,
    lost_wal: Annotated[
        Path | None,
        typer.Option(exists=True, file_okay=False, help="The lost instance's pg_wal, if it is still readable."),
    ] = None,
) -> None:
    """Restore the database from OMS_BACKUP_DIR to OMS_DATA_DIR, which must be empty, as it was at an instant."""
    from oms.tools.dev_services.embedded.restore import restore as restore_folder

    settings = settings_of("restore")
    at = to.replace(tzinfo=UTC) if to else None
    base = restore_folder(_folder(settings), settings.data_dir, to=at, lost_wal=lost_wal)
    reached = to or "the end of the archive"
    typer.echo(
        f"{settings.data_dir} contains the database of {base.folder.name}, recovered up to {reached}.\n"
        "Start it (python -m oms run), then check it: python -m oms check"
    )


async def _require_archiving(owner_url: str) -> None:
    """Raises: CannotStart: without an archive, a backup can restore its own instant only."""
    import asyncpg

    from oms.platform.grants import address_of

    connection = await asyncpg.connect(address_of(owner_url))
    try:
        if await connection.fetchval("SHOW archive_mode") == "off":
            raise CannotStart("The instance has no archive: set OMS_BACKUP_DIR, then restart it.")
    finally:
        await connection.close()


_NOT_EMBEDDED = (
    "No instance with an embedded PostgreSQL runs in {}.\n"
    "Back up a PostgreSQL of your own with its own tools: docs/guides/backup.md."
)


def _folder(settings: Settings) -> "BackupFolder":
    from oms.tools.dev_services.embedded.backup import BackupFolder

    if settings.backup_dir is None:
        raise CannotStart("OMS_BACKUP_DIR is not set: it is the folder for backups, best on another disk.")
    return BackupFolder(settings.backup_dir)
