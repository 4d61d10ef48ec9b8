"""Access tokens in PostgreSQL: only their hash is kept."""

from datetime import timedelta
from typing import Final

from sqlalchemy import Column, DateTime, LargeBinary, Table, Text, text
from sqlalchemy.ext.asyncio import AsyncConnection

from oms.db import Tx, metadata
from oms.domain.access.model import Viewer
from oms.domain.actor import Role

access_tokens: Final = Table(
    "access_tokens",
    metadata,
    Column("hash", LargeBinary, primary_key=True),
    Column("name", Text, nullable=False),
    Column("role", Text, nullable=False),
    Column("customer_reference", Text),
    Column("created_at", DateTime(timezone=True), nullable=False),
    Column("expires_at", DateTime(timezone=True)),
    Column("revoked_at", DateTime(timezone=True)),
)

_ADD: Final = text(
    """
    INSERT INTO access_tokens (hash, name, role, customer_reference, created_at, expires_at)
    VALUES (:hash, :name, :role, :customer_reference, clock_timestamp(),
            clock_timestamp() + CAST(:lifetime AS interval))
    """
)
_FIND: Final = text(
    """
    SELECT name, role, customer_reference FROM access_tokens
    WHERE hash = :hash AND revoked_at IS NULL AND (expires_at IS NULL OR expires_at > clock_timestamp())
    """
)


async def add(tx: Tx, digest: bytes, viewer: Viewer, *, lifetime: timedelta | None) -> None:
    await tx.conn.execute(
        _ADD,
        {"hash": digest, "name": viewer.name, "role": str(viewer.role), "lifetime": lifetime}
        | {"customer_reference": viewer.customer_reference},
    )


_REVOKE: Final = text(
    "UPDATE access_tokens SET revoked_at = clock_timestamp() WHERE hash = :hash AND revoked_at IS NULL"
)


async def revoke(tx: Tx, digest: bytes) -> None:
    await tx.conn.execute(_REVOKE, {"hash": digest})


async def find(conn: AsyncConnection, digest: bytes) -> Viewer | None:
    """Whom the token stands for; None where it is unknown, expired or revoked."""
    row = (await conn.execute(_FIND, {"hash": digest})).one_or_none()
    return Viewer(row.name, Role(row.role), row.customer_reference) if row else None
