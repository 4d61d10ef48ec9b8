"""Migrations: applied by `migrate` and `run`, and asked for by everything that needs them."""

import asyncio
from typing import Final

import asyncpg
from alembic import command
from alembic.config import Config
from alembic.script import ScriptDirectory
from sqlalchemy.engine import make_url

from oms.settings import PROJECT_DIR, CannotStart

_CONNECT_PATIENCE_S: Final = 5.0


def migration_config(database_url: str) -> Config:
    """What alembic needs to know: where the migrations are and, in `attributes`, which database is meant."""
    config = Config(PROJECT_DIR / "alembic.ini")
    config.attributes["database_url"] = database_url
    return config


def migrate(database_url: str) -> None:
    """Bring the database to the newest version. Raises: CannotStart if it cannot be reached."""
    asyncio.run(_applied_version(database_url))
    command.upgrade(migration_config(database_url), "head")


def require_migrated(database_url: str) -> None:
    """Raises: CannotStart if the database cannot be reached, or is not at this program's version."""
    applied = asyncio.run(_applied_version(database_url))
    head = ScriptDirectory.from_config(migration_config(database_url)).get_current_head()
    if applied != head:
        raise CannotStart(
            f"The database {shown(database_url)} is at version {applied or 'none'}, this program needs {head}.\n"
            "Run: python -m oms migrate"
        )


async def _applied_version(database_url: str) -> str | None:
    address = make_url(database_url).set(drivername="postgresql").render_as_string(hide_password=False)
    try:
        connection = await asyncpg.connect(address, timeout=_CONNECT_PATIENCE_S)
    except (OSError, TimeoutError, asyncpg.PostgresError) as problem:
        reason = str(problem) or "no answer"
        raise CannotStart(
            f"The database {shown(database_url)} cannot be reached: {reason}.\n"
            "Check OMS_DATABASE_URL and that the server runs and lets this user in."
        ) from problem
    try:
        version: str | None = await connection.fetchval("SELECT version_num FROM alembic_version")
    except asyncpg.UndefinedTableError:
        return None
    finally:
        await connection.close()
    return version


def shown(database_url: str) -> str:
    """The URL as it may be printed: without its password."""
    return make_url(database_url).set(drivername="postgresql").render_as_string(hide_password=True)
