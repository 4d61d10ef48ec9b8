"""Grants: what the application's database role may do with each table, as the tables declare it.

The owner migrates and grants; web, workers and commands connect as the application. So no fault in them can change what
was written to an event log.
"""

from collections.abc import Mapping
from typing import Final

import asyncpg
import structlog
from sqlalchemy import Table
from sqlalchemy.engine import make_url

from oms.platform.tables import Access, described, metadata

log = structlog.get_logger(__name__)

OWNER_ROLE: Final = "oms"
"""Owns the tables of the embedded PostgreSQL; elsewhere the operator names the owner."""

APP_ROLE: Final = "oms_app"
"""The grantee: the application's own login, or a group that its login is a member of."""

SYSTEM_TABLES: Final = ("alembic_version", "served_versions")
"""Kept by the migrations; the application reads them."""


def grants() -> Mapping[str, frozenset[str]]:
    """Privileges by table, as the tables declare them. Raises RuntimeError if no tables are known."""
    declared = {name: described(table).access.privileges for name, table in _declared().items()}
    return dict.fromkeys(SYSTEM_TABLES, Access.READ.privileges) | declared


def append_only() -> list[str]:
    """The tables whose rows must never change: event logs and the audit log. Raises RuntimeError as grants() does."""
    return sorted(name for name, table in _declared().items() if described(table).access is Access.APPEND)


def _declared() -> Mapping[str, Table]:
    if not metadata.tables:
        raise RuntimeError("No tables are declared: import oms.domain.concepts first.")
    return metadata.tables


_LOCK: Final = "SELECT pg_advisory_xact_lock(hashtextextended('oms grants', 0))"
_HAS_ROLE: Final = "SELECT EXISTS (SELECT FROM pg_roles WHERE rolname = $1)"
_GRANTED: Final = """
    SELECT c.relname, array_agg(DISTINCT a.privilege_type)
    FROM pg_class c CROSS JOIN LATERAL aclexplode(c.relacl) a JOIN pg_roles r ON r.oid = a.grantee
    WHERE c.relnamespace = 'public'::regnamespace AND c.relkind IN ('r', 'p') AND r.rolname = $1
    GROUP BY c.relname
"""
_MAY_REWRITE: Final = """
    SELECT coalesce(bool_or(pg_has_role(c.relowner, 'MEMBER')
                            OR has_table_privilege(c.oid, 'UPDATE, DELETE, TRUNCATE')), true)
    FROM pg_class c WHERE c.oid = ANY (CAST($1 AS text[])::regclass[])
"""


def address_of(database_url: str) -> str:
    """The URL in asyncpg's format."""
    return make_url(database_url).set(drivername="postgresql").render_as_string(hide_password=False)


async def granted(connection: "asyncpg.Connection[asyncpg.Record]") -> dict[str, frozenset[str]]:
    """The present privileges by table; tables without any are left out."""
    return {table: frozenset(privileges) for table, privileges in await connection.fetch(_GRANTED, APP_ROLE)}


async def grant(owner_url: str) -> None:
    """Makes the database's grants what the tables declare; does nothing if the application's role does not exist.

    Raises: asyncpg.InsufficientPrivilegeError unless the URL is the owner's.
    """
    connection = await asyncpg.connect(address_of(owner_url))
    try:
        async with connection.transaction():
            await connection.execute(_LOCK)
            if not await connection.fetchval(_HAS_ROLE, APP_ROLE):
                return
            held, wanted = await granted(connection), grants()
            for table in sorted(held.keys() | wanted.keys()):
                await _adjust(connection, table, held.get(table, frozenset()), wanted.get(table, frozenset()))
    finally:
        await connection.close()


async def _adjust(
    connection: "asyncpg.Connection[asyncpg.Record]", table: str, held: frozenset[str], wanted: frozenset[str]
) -> None:
    if more := wanted - held:
        await connection.execute(f'GRANT {", ".join(sorted(more))} ON public."{table}" TO {APP_ROLE}')
    if less := held - wanted:
        await connection.execute(f'REVOKE {", ".join(sorted(less))} ON public."{table}" FROM {APP_ROLE}')


async def warn_if_logs_are_writable(database_url: str) -> None:
    """Warns the operator if the application connects as a role that owns the event logs or may change them."""
    connection = await asyncpg.connect(address_of(database_url))
    try:
        if await connection.fetchval(_MAY_REWRITE, append_only()):
            log.warning(
                "The event logs are not protected: this database role may change them",
                mend=f"Connect as a member of {APP_ROLE}: docs/guides/deployment.md, 'Two database roles'",
            )
    finally:
        await connection.close()
