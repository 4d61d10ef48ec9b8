"""Known devices in PostgreSQL: the hash of a browser's secret, and nothing else about the browser."""

from collections.abc import Collection
from datetime import timedelta
from typing import Final
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from oms.domain.identity.accounts import login_problems, normalized_login
from oms.platform.db import Tx

_FIND: Final = text(
    """
    SELECT d.hash FROM known_devices d JOIN accounts a ON a.id = d.account_id
    WHERE d.hash = ANY(:hashes) AND a.login = :login AND d.expires_at > clock_timestamp()
      AND d.created_at >= a.changed_at
    LIMIT 1
    """
)
_ADD: Final = text(
    """
    WITH surplus AS (
        DELETE FROM known_devices WHERE hash IN (
            SELECT hash FROM known_devices WHERE account_id = :account_id ORDER BY created_at DESC OFFSET :keep - 1))
    INSERT INTO known_devices (hash, account_id, created_at, expires_at)
    VALUES (:hash, :account_id, clock_timestamp(), clock_timestamp() + CAST(:lifetime AS interval))
    """
)
_FORGET: Final = text("DELETE FROM known_devices WHERE account_id = :account_id AND hash = ANY(:hashes) RETURNING hash")
_FORGET_ALL: Final = text("DELETE FROM known_devices WHERE account_id = :account_id")
_DELETE_OLD: Final = text(
    """
    DELETE FROM known_devices WHERE hash IN (
        SELECT hash FROM known_devices WHERE expires_at < statement_timestamp() ORDER BY expires_at LIMIT :limit)
    """
)


async def find(conn: AsyncConnection, login: str, hashes: Collection[bytes]) -> bytes | None:
    """The one of these that is known for the account with this login."""
    if list(login_problems(login)):
        return None
    values = {"hashes": list(hashes), "login": normalized_login(login)}
    found: bytes | None = (await conn.execute(_FIND, values)).scalar_one_or_none()
    return found


async def add(tx: Tx, digest: bytes, account_id: UUID, *, lifetime: timedelta, keep: int) -> None:
    """Afterwards the account has at most `keep` of them."""
    values = {"hash": digest, "account_id": account_id, "lifetime": lifetime, "keep": keep}
    await tx.conn.execute(_ADD, values)


async def forget(tx: Tx, account_id: UUID, hashes: Collection[bytes]) -> set[bytes]:
    """The hashes of those that were the account's."""
    return set((await tx.conn.execute(_FORGET, {"account_id": account_id, "hashes": list(hashes)})).scalars())


async def forget_all(tx: Tx, account_id: UUID) -> None:
    await tx.conn.execute(_FORGET_ALL, {"account_id": account_id})


async def delete_old(tx: Tx, *, limit: int) -> int:
    """Deletes those that have expired; returns how many."""
    return (await tx.conn.execute(_DELETE_OLD, {"limit": limit})).rowcount
