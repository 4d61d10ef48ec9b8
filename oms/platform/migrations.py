"""Migrations: applied by `migrate` and `run`, and required by all other commands on the database."""

import asyncio
import time
from typing import Final

import asyncpg
import structlog
from alembic import command
from alembic.config import Config
from alembic.script import ScriptDirectory
from sqlalchemy.engine import make_url
from sqlalchemy.exc import DBAPIError

from oms.platform.faults.outages import RETRY_AFTER_S, is_outage
from oms.platform.grants import address_of, grant, warn_if_logs_are_writable
from oms.platform.settings import PROJECT_DIR, CannotStart

log = structlog.get_logger(__name__)

MIN_SERVER_VERSION: Final = 18
"""Since PostgreSQL 18, RETURNING can return the old row, too."""

ACCEPTS_WITHIN_S: Final = 60.0
"""How long web and worker wait for a server that starts or has no connection left, before they end."""

_CONNECT_TIMEOUT_S: Final = 5.0


def migration_config(database_url: str) -> Config:
    """Alembic's configuration for a database, whose URL is in `attributes`."""
    config = Config(PROJECT_DIR / "alembic.ini")
    config.attributes["database_url"] = database_url
    return config


def migrate(owner_url: str) -> None:
    """Migrates the database to the newest version and adjusts the application's grants.

    Raises: CannotStart if the database is unreachable, its server is too old, or the user is not its owner.
    """
    asyncio.run(_served_versions(owner_url))
    try:
        command.upgrade(migration_config(owner_url), "head")
        asyncio.run(grant(owner_url))
    except (DBAPIError, asyncpg.InsufficientPrivilegeError) as problem:
        if _sqlstate(problem) != asyncpg.InsufficientPrivilegeError.sqlstate:
            raise
        raise CannotStart(
            f"The user of {without_password(owner_url)} does not own the tables, so it cannot migrate them.\n"
            'Set OMS_MIGRATION_DATABASE_URL to the URL of the owner: docs/guides/deployment.md, "Two database roles".'
        ) from problem


def _sqlstate(problem: DBAPIError | asyncpg.PostgresError) -> str | None:
    cause = problem.orig if isinstance(problem, DBAPIError) else problem
    return getattr(cause, "sqlstate", None)


def require_ready(database_url: str) -> None:
    """Checks the database before web or worker starts. Warns if they could change event logs.

    Raises: CannotStart as require_migrated() does.
    """
    asyncio.run(_until_it_accepts(database_url))
    require_migrated(database_url)
    try:
        asyncio.run(warn_if_logs_are_writable(database_url))
    except Exception as problem:
        if is_outage(problem):
            raise _unreachable(database_url, problem) from problem
        raise


async def _until_it_accepts(database_url: str) -> None:
    """Waits while a server starts or has no connection left; other problems are reported by what comes next."""
    give_up_at_s = time.monotonic() + ACCEPTS_WITHIN_S
    while time.monotonic() < give_up_at_s:
        try:
            connection = await asyncpg.connect(address_of(database_url), timeout=_CONNECT_TIMEOUT_S)
        except (asyncpg.CannotConnectNowError, asyncpg.TooManyConnectionsError) as problem:
            log.warning("The database accepts no connection yet: waiting", reason=str(problem))
            await asyncio.sleep(RETRY_AFTER_S)
        except (OSError, asyncpg.PostgresError, asyncpg.InterfaceError):
            return
        else:
            await connection.close()
            return


def require_migrated(database_url: str) -> None:
    """Raises: CannotStart if the database is unreachable, its server is too old, or it serves only other versions.

    It also serves older versions as long as migrations only added to it: so a deployment begins with the migration.
    """
    served = asyncio.run(_served_versions(database_url))
    own = ScriptDirectory.from_config(migration_config(database_url)).get_current_head()
    if own not in served:
        present = ", ".join(sorted(served)) or "none"
        raise CannotStart(
            f"The database {without_password(database_url)} serves the versions: {present}. "
            f"This program is version {own}.\n"
            "If the program is newer, run: python -m oms migrate. If the database is newer, start the newer program."
        )


async def _served_versions(database_url: str) -> frozenset[str]:
    try:
        connection = await asyncpg.connect(address_of(database_url), timeout=_CONNECT_TIMEOUT_S)
    except (OSError, TimeoutError, asyncpg.PostgresError) as problem:
        raise _unreachable(database_url, problem) from problem
    try:
        _require_recent(database_url, connection.get_server_version().major)
        rows = await connection.fetch("SELECT version FROM served_versions")  # written by migrations/env.py
        return frozenset(row["version"] for row in rows)
    except asyncpg.UndefinedTableError:
        return frozenset()
    except Exception as problem:
        if is_outage(problem):
            raise _unreachable(database_url, problem) from problem
        raise
    finally:
        await connection.close(timeout=_CONNECT_TIMEOUT_S)


def _unreachable(database_url: str, problem: Exception) -> CannotStart:
    return CannotStart(
        f"The database {without_password(database_url)} cannot be reached: {str(problem) or 'no answer'}.\n"
        "Check OMS_DATABASE_URL, and that the server runs and accepts this user."
    )


def _require_recent(database_url: str, version: int) -> None:
    if version < MIN_SERVER_VERSION:
        raise CannotStart(
            f"The server of {without_password(database_url)} is PostgreSQL {version}; "
            f"it must be {MIN_SERVER_VERSION} or newer.\n"
            "Upgrade the server (pg_upgrade), or set OMS_DATABASE_URL to a newer one."
        )


def without_password(database_url: str) -> str:
    """The URL for messages."""
    return make_url(database_url).set(drivername="postgresql").render_as_string(hide_password=True)
