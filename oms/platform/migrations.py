"""Migrations: applied by `migrate` and `run`, and asked for by everything that needs them."""

import asyncio
from typing import Final

import asyncpg
from alembic import command
from alembic.config import Config
from alembic.script import ScriptDirectory
from sqlalchemy.engine import make_url
from sqlalchemy.exc import DBAPIError

from oms.platform.grants import address_of, grant, warn_if_logs_are_writable
from oms.platform.settings import PROJECT_DIR, CannotStart

OLDEST_SERVER: Final = 18
"""PostgreSQL's version from which on RETURNING tells the old row beside the new one."""

_CONNECT_PATIENCE_S: Final = 5.0


def migration_config(database_url: str) -> Config:
    """What alembic needs to know: where the migrations are and, in `attributes`, which database is meant."""
    config = Config(PROJECT_DIR / "alembic.ini")
    config.attributes["database_url"] = database_url
    return config


def migrate(owner_url: str) -> None:
    """Bring the database to the newest version, and the application's grants to what it needs.

    Raises: CannotStart if it cannot be reached, its server is too old, or the URL is not its owner's.
    """
    asyncio.run(_served_versions(owner_url))
    try:
        command.upgrade(migration_config(owner_url), "head")
        asyncio.run(grant(owner_url))
    except (DBAPIError, asyncpg.InsufficientPrivilegeError) as problem:
        if _sqlstate(problem) != asyncpg.InsufficientPrivilegeError.sqlstate:
            raise
        raise CannotStart(
            f"The user of {shown(owner_url)} does not own its tables, so it cannot migrate them.\n"
            'Set OMS_MIGRATION_DATABASE_URL to the owner\'s: docs/guides/deployment.md, "Two database roles".'
        ) from problem


def _sqlstate(problem: DBAPIError | asyncpg.PostgresError) -> str | None:
    cause = problem.orig if isinstance(problem, DBAPIError) else problem
    return getattr(cause, "sqlstate", None)


def require_ready(database_url: str) -> None:
    """What a process that stays asks for before it begins. Warns where it could rewrite what it wrote.

    Raises: CannotStart as require_migrated() does.
    """
    require_migrated(database_url)
    asyncio.run(warn_if_logs_are_writable(database_url))


def require_migrated(database_url: str) -> None:
    """Raises: CannotStart if the database cannot be reached, its server is too old, or it serves other versions only.

    It serves older ones, too, as long as migrations have only added to it: so a deploy begins with the migration.
    """
    served = asyncio.run(_served_versions(database_url))
    own = ScriptDirectory.from_config(migration_config(database_url)).get_current_head()
    if own not in served:
        present = ", ".join(sorted(served)) or "none"
        raise CannotStart(
            f"The database {shown(database_url)} serves the versions: {present}. This program is version {own}.\n"
            "If it is the newer of the two, run: python -m oms migrate. If not, start the new program instead."
        )


async def _served_versions(database_url: str) -> frozenset[str]:
    try:
        connection = await asyncpg.connect(address_of(database_url), timeout=_CONNECT_PATIENCE_S)
    except (OSError, TimeoutError, asyncpg.PostgresError) as problem:
        reason = str(problem) or "no answer"
        raise CannotStart(
            f"The database {shown(database_url)} cannot be reached: {reason}.\n"
            "Check OMS_DATABASE_URL and that the server runs and lets this user in."
        ) from problem
    try:
        _require_recent(database_url, connection.get_server_version().major)
        rows = await connection.fetch("SELECT version FROM served_versions")  # kept by migrations/env.py
        return frozenset(row["version"] for row in rows)
    except asyncpg.UndefinedTableError:
        return frozenset()
    finally:
        await connection.close()


def _require_recent(database_url: str, version: int) -> None:
    if version < OLDEST_SERVER:
        raise CannotStart(
            f"The server of {shown(database_url)} is PostgreSQL {version}; it must be {OLDEST_SERVER} or newer.\n"
            "Upgrade the server (pg_upgrade), or set OMS_DATABASE_URL to a newer one."
        )


def shown(database_url: str) -> str:
    """The URL as it may be printed: without its password."""
    return make_url(database_url).set(drivername="postgresql").render_as_string(hide_password=True)
