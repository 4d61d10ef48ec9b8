"""Access tokens in PostgreSQL: only their hash is stored."""

from collections.abc import Iterable, Sequence
from datetime import timedelta
from typing import Any, Final
from uuid import UUID

from sqlalchemy import Row, text
from sqlalchemy.ext.asyncio import AsyncConnection

from oms.domain.access.permissions import Carries, Viewer
from oms.domain.concept.registry import registered
from oms.domain.tokens.model import AccessToken, NewToken
from oms.domain.vocabulary.actor import Role
from oms.domain.vocabulary.permission import Permission
from oms.platform.db import Tx

_VALID: Final = "revoked_at IS NULL AND (expires_at IS NULL OR expires_at > clock_timestamp())"
"""The only definition of a valid token."""

_COLUMNS: Final = (
    "id, name, role, customer_reference, scope, warehouses, created_at, expires_at, previous_until, revoked_at"
)
_VIEWER: Final = "id, name, role, customer_reference, scope, warehouses"
_WITH_PREVIOUS: Final = "previous_until > clock_timestamp()"
_ADD: Final = text(
    """
    INSERT INTO access_tokens (hash, id, name, role, customer_reference, scope, warehouses, created_at, expires_at)
    VALUES (:hash, :id, :name, :role, :customer_reference, :scope, :warehouses, clock_timestamp(),
            clock_timestamp() + CAST(:lifetime AS interval))
    """
)
_FIND: Final = text(
    f"""
    SELECT {_VIEWER} FROM access_tokens WHERE hash = :hash AND {_VALID}
    UNION ALL SELECT {_VIEWER} FROM access_tokens
    WHERE previous_hash = :hash AND {_WITH_PREVIOUS} AND {_VALID}
    """  # noqa: S608 - constants of this module
)
_VALID_AMONG: Final = text(
    f"""
    SELECT hash FROM access_tokens WHERE hash = ANY(:hashes) AND {_VALID}
    UNION ALL SELECT previous_hash FROM access_tokens
    WHERE previous_hash = ANY(:hashes) AND {_WITH_PREVIOUS} AND {_VALID}
    """  # noqa: S608 - as above
)
_LOCK: Final = text(f"SELECT {_COLUMNS} FROM access_tokens WHERE id = :id AND {_VALID} FOR UPDATE")  # noqa: S608 - as above
_ROTATE: Final = text(
    f"""
    UPDATE access_tokens SET hash = :hash, expires_at = clock_timestamp() + CAST(:lifetime AS interval),
        previous_hash = hash,
        previous_until = least(clock_timestamp() + CAST(:overlap AS interval), expires_at)
    WHERE id = :id RETURNING {_COLUMNS}
    """  # noqa: S608 - as above
)
_EXPIRING: Final = text(
    f"""
    SELECT {_COLUMNS} FROM access_tokens
    WHERE {_VALID} AND expires_at < clock_timestamp() + CAST(:within AS interval)
      AND expires_at - created_at > 2 * CAST(:within AS interval)
    ORDER BY expires_at, id
    """  # noqa: S608 - as above
)
_REVOKE: Final = text(
    f"""
    UPDATE access_tokens SET revoked_at = clock_timestamp() WHERE id = :id AND revoked_at IS NULL RETURNING {_COLUMNS}
    """  # noqa: S608 - as above
)
_BEFORE: Final = text(
    f"SELECT {_COLUMNS} FROM access_tokens WHERE id < :before ORDER BY id DESC LIMIT :limit"  # noqa: S608 - as above
)


async def add(tx: Tx, digest: bytes, token_id: UUID, new: NewToken, *, lifetime: timedelta | None) -> None:
    values = {
        "hash": digest,
        "id": token_id,
        "name": new.name,
        "role": str(new.role),
        "customer_reference": new.customer_reference,
        "scope": None if new.scope is None else sorted(permission.name for permission in new.scope),
        "warehouses": None if new.warehouses is None else sorted(new.warehouses),
        "lifetime": lifetime,
    }
    await tx.conn.execute(_ADD, values)


async def revoke(tx: Tx, token_id: UUID) -> AccessToken | None:
    """The revoked token; None if there was none to revoke."""
    row = (await tx.conn.execute(_REVOKE, {"id": token_id})).one_or_none()
    return _token(row) if row else None


async def lock(tx: Tx, token_id: UUID) -> AccessToken | None:
    """A valid token, locked until the transaction ends."""
    row = (await tx.conn.execute(_LOCK, {"id": token_id})).one_or_none()
    return _token(row) if row else None


async def rotate(
    tx: Tx, token_id: UUID, digest: bytes, *, overlap: timedelta, lifetime: timedelta | None
) -> AccessToken:
    """The token with a new secret, for a new lifetime; the present one works for the overlap, or until it expires."""
    values = {"id": token_id, "hash": digest, "overlap": overlap, "lifetime": lifetime}
    return _token((await tx.conn.execute(_ROTATE, values)).one())


async def expiring(conn: AsyncConnection, within: timedelta) -> Sequence[AccessToken]:
    """Valid ones that expire soon, the next one first. Those issued for less than twice that time are meant to end."""
    return [_token(row) for row in await conn.execute(_EXPIRING, {"within": within})]


async def find(conn: AsyncConnection, digest: bytes) -> Viewer | None:
    """The caller that the token identifies; None if it is unknown, expired or revoked."""
    row = (await conn.execute(_FIND, {"hash": digest})).one_or_none()
    if row is None:
        return None
    scope = None if row.scope is None else _permissions(row.scope)
    carries = Carries(None if row.warehouses is None else frozenset(row.warehouses))
    principal = f"token:{row.id}"
    return Viewer(row.name, Role(row.role), row.customer_reference, principal=principal, scope=scope, carries=carries)


async def valid_among(conn: AsyncConnection, digests: Iterable[bytes]) -> set[bytes]:
    """The hashes of those tokens that are valid."""
    return set((await conn.execute(_VALID_AMONG, {"hashes": list(digests)})).scalars())


async def before(conn: AsyncConnection, token_id: UUID, *, limit: int) -> Sequence[AccessToken]:
    """The tokens issued before that one, newest first."""
    return [_token(row) for row in await conn.execute(_BEFORE, {"before": token_id, "limit": limit})]


def _permissions(scope: Iterable[str]) -> frozenset[Permission]:
    """Those that still exist; a permission that was removed allows nothing."""
    permissions = registered().permissions
    return frozenset(permissions[name] for name in scope if name in permissions)


def _token(row: Row[Any]) -> AccessToken:
    return AccessToken(
        id=row.id,
        name=row.name,
        role=Role(row.role),
        customer_reference=row.customer_reference,
        scope=None if row.scope is None else frozenset(row.scope),
        warehouses=None if row.warehouses is None else frozenset(row.warehouses),
        created_at=row.created_at,
        expires_at=row.expires_at,
        previous_until=row.previous_until,
        revoked_at=row.revoked_at,
    )
