"""`python -m oms audit`: exports the audit log, and removes old entries."""

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Annotated, Final

import typer

from oms.platform.settings import CannotStart
from oms.tools.cli.start import database_url_of, on_engines, on_migrated_database
from oms.tools.cli.transactions import on_database

if TYPE_CHECKING:
    from oms.platform.db import Database

_FORMATS: Final = ["%Y-%m-%d", "%Y-%m-%dT%H:%M:%S", "%Y-%m-%dT%H:%M:%SZ"]
_EARLIEST: Final = datetime(2000, 1, 1, tzinfo=UTC)
_LATEST: Final = datetime(9000, 1, 1, tzinfo=UTC)

Instant = Annotated[datetime | None, typer.Option("--from", formats=_FORMATS, help="Entries since then, UTC.")]

app = typer.Typer(help="The audit log: export it, remove old entries.", no_args_is_help=True)


@app.command()
def export(
    since: Instant = None,
    before: Annotated[datetime | None, typer.Option("--to", formats=_FORMATS, help="Entries before then, UTC.")] = None,
) -> None:
    """Print entries as JSON Lines, each with its number and digest in the chain. The export itself is recorded."""

    async def act(database: "Database") -> None:
        from oms.domain.audit.chain.export import lines

        async for line in lines(database, _utc(since) or _EARLIEST, _utc(before) or _LATEST):
            typer.echo(line)

    on_database(on_migrated_database("audit"), act)


@app.command()
def remove_old() -> None:
    """Remove entries older than OMS_AUDIT_DAYS, as the database's owner. The removal is recorded."""
    from oms.platform.migrations import require_migrated

    settings = on_engines("audit")
    if not settings.audit_days:
        raise CannotStart("OMS_AUDIT_DAYS is not set, so entries are kept for ever.")
    url = settings.migration_database_url or database_url_of(settings)
    require_migrated(url)
    age = timedelta(days=settings.audit_days)

    async def act(database: "Database") -> int:
        from oms.domain.audit.chain.retention import remove_entries

        async with database.transaction() as tx:
            return await remove_entries(tx, age)

    typer.echo(f"Removed: {on_database(url, act)} entries older than {settings.audit_days} days.")


def _utc(instant: datetime | None) -> datetime | None:
    return instant.replace(tzinfo=UTC) if instant else None
