"""Sessions in PostgreSQL: only the hash of the cookie's secret is stored, and nothing about the browser."""

from collections.abc import Iterable, Sequence
from typing import Any, Final
from uuid import UUID

from sqlalchemy import Row, text
from sqlalchemy.ext.asyncio import AsyncConnection

from oms.domain.access.permissions import Carries, Viewer
from oms.domain.identity.accounts import Account
from oms.domain.identity.sessions import SEEN_EVERY, Session, SessionRules, ValidSession
from oms.domain.vocabulary.actor import Role
from oms.platform.db import Tx

_VALID: Final = """
    s.ended_at IS NULL AND s.expires_at > clock_timestamp()
    AND s.last_seen_at > clock_timestamp() - CAST(:idle AS interval) AND a.disabled_at IS NULL
    AND (:demo OR a.password_hash IS NOT NULL OR a.openid_subject IS NOT NULL)
"""
"""The only definition of a valid session; `a` is its account."""

_START: Final = text(
    """
    WITH unchanged AS (
        SELECT id FROM accounts WHERE id = :account_id AND changed_at = :changed_at AND disabled_at IS NULL FOR SHARE)
    INSERT INTO sessions (hash, id, account_id, created_at, last_seen_at, expires_at)
    SELECT :hash, :id, id, clock_timestamp(), clock_timestamp(), clock_timestamp() + CAST(:lifetime AS interval)
    FROM unchanged RETURNING id
    """
)
_FIND: Final = text(
    f"""
    SELECT s.id, s.account_id, a.name, a.role, a.customer_reference, a.warehouses, a.language, a.time_zone,
           clock_timestamp() - s.last_seen_at AS idle
    FROM sessions s JOIN accounts a ON a.id = s.account_id WHERE s.hash = :hash AND {_VALID}
    """  # noqa: S608 - a constant of this module
)
_VALID_AMONG: Final = text(
    f"""
    SELECT s.hash FROM sessions s JOIN accounts a ON a.id = s.account_id WHERE s.hash = ANY(:hashes) AND {_VALID}
    """  # noqa: S608 - as above
)
_OF_ACCOUNT: Final = text(
    f"""
    SELECT s.id, s.created_at, s.last_seen_at, s.expires_at FROM sessions s JOIN accounts a ON a.id = s.account_id
    WHERE s.account_id = :account_id AND {_VALID} ORDER BY s.created_at DESC, s.id LIMIT :limit
    """  # noqa: S608 - as above
)
_SEEN: Final = text(
    """
    UPDATE sessions SET last_seen_at = clock_timestamp()
    WHERE hash = :hash AND ended_at IS NULL AND last_seen_at < clock_timestamp() - CAST(:every AS interval)
    """
)
_END: Final = text(
    """
    UPDATE sessions s SET ended_at = clock_timestamp() FROM accounts a
    WHERE s.hash = :hash AND s.ended_at IS NULL AND a.id = s.account_id
    RETURNING s.id, s.account_id, a.name, a.role, a.customer_reference, a.warehouses, a.language, a.time_zone
    """
)
_END_ONE: Final = text(
    """
    UPDATE sessions SET ended_at = clock_timestamp()
    WHERE account_id = :account_id AND id = :id AND ended_at IS NULL RETURNING id
    """
)
_END_ALL: Final = text(
    """
    UPDATE sessions SET ended_at = clock_timestamp()
    WHERE account_id = :account_id AND ended_at IS NULL AND id IS DISTINCT FROM CAST(:but AS uuid)
    """
)
_DELETE_OLD: Final = text(
    """
    DELETE FROM sessions WHERE hash IN (
        SELECT hash FROM sessions WHERE expires_at < statement_timestamp() - interval '30 days'
        ORDER BY expires_at LIMIT :limit)
    """
)


async def start(tx: Tx, digest: bytes, session_id: UUID, account: Account, rules: SessionRules) -> bool:
    """False if the account was disabled, or its password or role was changed, since it was read."""
    values = {
        "hash": digest,
        "id": session_id,
        "account_id": account.id,
        "changed_at": account.changed_at,
        "lifetime": rules.max_lifetime,
    }
    return (await tx.conn.execute(_START, values)).one_or_none() is not None


async def find(conn: AsyncConnection, digest: bytes, rules: SessionRules) -> ValidSession | None:
    row = (await conn.execute(_FIND, {"hash": digest} | _bound(rules))).one_or_none()
    return ValidSession(_viewer(row), row.idle) if row else None


async def valid_among(conn: AsyncConnection, digests: Iterable[bytes], rules: SessionRules) -> set[bytes]:
    """The hashes of those sessions that are valid."""
    found = await conn.execute(_VALID_AMONG, {"hashes": list(digests)} | _bound(rules))
    return set(found.scalars())


async def of_account(conn: AsyncConnection, account_id: UUID, rules: SessionRules, *, limit: int) -> Sequence[Session]:
    """The valid ones, newest first."""
    found = await conn.execute(_OF_ACCOUNT, {"account_id": account_id, "limit": limit} | _bound(rules))
    return [Session(row.id, row.created_at, row.last_seen_at, row.expires_at) for row in found]


async def mark_seen(tx: Tx, digest: bytes) -> None:
    """Notes that it is in use; writes at most once in SEEN_EVERY, also with several processes."""
    await tx.conn.execute(_SEEN, {"hash": digest, "every": SEEN_EVERY})


async def end(tx: Tx, digest: bytes) -> Viewer | None:
    """The session's owner; None if there is no such session to end."""
    row = (await tx.conn.execute(_END, {"hash": digest})).one_or_none()
    return _viewer(row) if row else None


async def end_one(tx: Tx, account_id: UUID, session_id: UUID) -> bool:
    values = {"account_id": account_id, "id": session_id}
    return (await tx.conn.execute(_END_ONE, values)).one_or_none() is not None


async def end_all(tx: Tx, account_id: UUID, *, but: UUID | None = None) -> int:
    """Returns how many were ended."""
    return (await tx.conn.execute(_END_ALL, {"account_id": account_id, "but": but})).rowcount


async def delete_old(tx: Tx, *, limit: int) -> int:
    """Deletes sessions that expired 30 days ago; returns how many."""
    return (await tx.conn.execute(_DELETE_OLD, {"limit": limit})).rowcount


def _viewer(row: Row[Any]) -> Viewer:
    return Viewer(
        row.name,
        Role(row.role),
        row.customer_reference,
        principal=f"account:{row.account_id}",
        session_id=row.id,
        carries=Carries(None if row.warehouses is None else frozenset(row.warehouses)),
        language=row.language,
        time_zone=row.time_zone,
    )


def _bound(rules: SessionRules) -> dict[str, Any]:
    return {"idle": rules.idle_timeout, "demo": rules.demo}
