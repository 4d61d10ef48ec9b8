"""What the application's role may do to each table, and no more: this table is the only place that says so.

The owner migrates and grants; web, workers and commands connect as the application. So whatever goes wrong in them,
what was written into a trail stays as it was written.
"""

from collections.abc import Mapping
from typing import Final

import asyncpg
import structlog
from sqlalchemy.engine import make_url

log = structlog.get_logger(__name__)

OWNER_ROLE: Final = "oms"
"""Owns the tables of the embedded PostgreSQL; elsewhere the operator names the owner."""

APP_ROLE: Final = "oms_app"
"""What the grants are made to: the application's own login, or a group that its login is a member of."""

_READ: Final = frozenset({"SELECT"})
_ADD: Final = _READ | {"INSERT"}
_CHANGE: Final = _ADD | {"UPDATE"}
_REMOVE: Final = _ADD | {"DELETE"}
_ANYTHING: Final = _CHANGE | {"DELETE"}

GRANTS: Final[Mapping[str, frozenset[str]]] = {
    "alembic_version": _READ,
    "served_versions": _READ,
    # Trails: added to, never changed.
    "audit_events": _ADD,
    "fraud_events": _ADD,
    "order_events": _ADD,
    # State: changed by the transitions that the trails tell of, never removed. A row lock needs UPDATE, too.
    "access_tokens": _CHANGE,
    "accounts": _CHANGE,
    "allocations": _ADD,
    "customers": _CHANGE,
    "fraud_settings": _READ | {"UPDATE"},
    "order_lines": _CHANGE,
    "order_references": _CHANGE,
    "orders": _CHANGE,
    "products": _CHANGE,
    "shipments": _CHANGE,
    "stock": _CHANGE,
    "tallies": _CHANGE,
    "warehouses": _CHANGE,
    # What is only of use for a while.
    "idempotency_keys": _REMOVE,
    "sessions": _ANYTHING,
    "work": _ANYTHING,
    "workers": _ANYTHING,
}
"""By table. One that is missing here can't even be read by the application."""

APPEND_ONLY: Final = ("audit_events", "fraud_events", "order_events")

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
    """The URL as asyncpg itself takes it."""
    return make_url(database_url).set(drivername="postgresql").render_as_string(hide_password=False)


async def granted(connection: "asyncpg.Connection[asyncpg.Record]") -> dict[str, frozenset[str]]:
    """What the application's role may do now, by table; tables that it may not touch are left out."""
    return {table: frozenset(privileges) for table, privileges in await connection.fetch(_GRANTED, APP_ROLE)}


async def grant(owner_url: str) -> None:
    """Makes the database's grants those of the table; does nothing where the application's role does not exist.

    Raises: asyncpg.InsufficientPrivilegeError unless the URL is the owner's.
    """
    connection = await asyncpg.connect(address_of(owner_url))
    try:
        async with connection.transaction():
            await connection.execute(_LOCK)
            if not await connection.fetchval(_HAS_ROLE, APP_ROLE):
                return
            held = await granted(connection)
            for table in sorted(held.keys() | GRANTS.keys()):
                await _adjust(connection, table, held.get(table, frozenset()), GRANTS.get(table, frozenset()))
    finally:
        await connection.close()


async def _adjust(
    connection: "asyncpg.Connection[asyncpg.Record]", table: str, held: frozenset[str], wanted: frozenset[str]
) -> None:
    if more := wanted - held:
        await connection.execute(f'GRANT {", ".join(sorted(more))} ON public."{table}" TO {APP_ROLE}')
    if less := held - wanted:
        await connection.execute(f'REVOKE {", ".join(sorted(less))} ON public."{table}" FROM {APP_ROLE}')


async def warn_if_trails_can_be_rewritten(database_url: str) -> None:
    """Tells the operator that the application connects as a role that owns the trails or may change them."""
    connection = await asyncpg.connect(address_of(database_url))
    try:
        if await connection.fetchval(_MAY_REWRITE, list(APPEND_ONLY)):
            log.warning(
                "The event logs are not protected: this database role may rewrite them",
                mend=f"Connect as a member of {APP_ROLE}: docs/guides/deployment.md, 'Two database roles'",
            )
    finally:
        await connection.close()
