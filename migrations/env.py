"""How alembic reaches the database: through the product's own settings and driver, never waiting long for a lock."""

import asyncio

from alembic import context
from alembic.runtime.migration import MigrationContext, MigrationInfo
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, text
from sqlalchemy.ext.asyncio import create_async_engine
from sqlalchemy.pool import NullPool

from oms.domain.concepts import metadata
from oms.platform.db import async_url
from oms.platform.settings import load_settings
from oms.tools.dev_services.instance import located

LOCK_TIMEOUT = "5s"


def migrate(connection: Connection) -> None:
    context.configure(
        connection=connection,
        target_metadata=metadata,
        transaction_per_migration=True,
        on_version_apply=note_served_versions,
        include_name=lambda name, kind, _: not (kind == "table" and name == "served_versions"),
    )
    with context.begin_transaction():
        # A migration that waits for a lock makes everybody behind it wait as well: rather fail and be run again.
        connection.execute(text(f"SET lock_timeout = '{LOCK_TIMEOUT}'"))
        context.run_migrations()


def note_served_versions(ctx: MigrationContext, step: MigrationInfo, *_: object, **__: object) -> None:
    """In the migration's transaction: which versions of the program the database serves from now on.

    One that expands serves those before it, too; one that contracts serves its own only.
    """
    if ctx.connection is None or not step.is_upgrade:
        return
    script = ScriptDirectory.from_config(context.config).get_revision(str(step.up_revision_id))
    if script.module.kind == "contract":
        ctx.connection.execute(text("DELETE FROM served_versions"))
    ctx.connection.execute(text("INSERT INTO served_versions VALUES (:version)"), {"version": step.up_revision_id})


def _owner_url() -> str:
    if given := context.config.attributes.get("database_url"):
        return str(given)
    settings = located(load_settings())
    return str(settings.migration_database_url or settings.database_url)


async def main() -> None:
    engine = create_async_engine(async_url(_owner_url()), poolclass=NullPool, hide_parameters=True)
    async with engine.connect() as connection:
        await connection.run_sync(migrate)
    await engine.dispose()


asyncio.run(main())
