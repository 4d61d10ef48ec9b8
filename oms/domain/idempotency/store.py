"""Idempotency keys in PostgreSQL, written in the transaction of the effect."""

from collections.abc import Collection
from typing import Any, Final

import orjson
from sqlalchemy import text

from oms.platform.db import Statement, Tx

_LOCK: Final = Statement(
    """
    SELECT caller, key FROM unnest(CAST(:callers AS text[]), CAST(:keys AS text[])) AS t(caller, key)
    WHERE pg_try_advisory_xact_lock(hashtextextended(caller || chr(10) || key, 0))
    """
)
_FIND: Final = Statement(
    """
    SELECT caller, key, body_hash, subject
    FROM unnest(CAST(:callers AS text[]), CAST(:keys AS text[])) AS t(caller, key)
    JOIN idempotency_keys USING (caller, key)
    """
)
_ADD: Final = Statement(
    """
    INSERT INTO idempotency_keys (caller, key, body_hash, subject, created_at)
    SELECT caller, key, body_hash, CAST(subject AS jsonb), clock_timestamp()
    FROM unnest(CAST(:callers AS text[]), CAST(:keys AS text[]), CAST(:hashes AS bytea[]), CAST(:subjects AS text[]))
        AS t(caller, key, body_hash, subject)
    """
)
_DELETE_OLD: Final = text(
    """
    DELETE FROM idempotency_keys WHERE (caller, key) IN (
        SELECT caller, key FROM idempotency_keys
        WHERE created_at < statement_timestamp() - interval '48 hours' ORDER BY created_at LIMIT :limit)
    """
)


Key = tuple[str, str]
"""Caller and key."""


async def try_lock(tx: Tx, keys: Collection[Key]) -> set[Key]:
    """The keys that no other transaction is processing, locked until this one ends."""
    return {(caller, key) for caller, key in await tx.rows(_LOCK, **_columns(keys))}


async def find(tx: Tx, keys: Collection[Key]) -> dict[Key, tuple[bytes, Any]]:
    """By key that was used before: the hash of its body, and what the command affected.

    Call it after try_lock(): a later statement sees what the previous holder of the lock committed.
    """
    found = await tx.rows(_FIND, **_columns(keys))
    return {(caller, key): (body_hash, subject) for caller, key, body_hash, subject in found}


async def add(tx: Tx, new: Collection[tuple[str, str, bytes, Any]]) -> None:
    """Adds rows of caller, key, hash of the body, and what was affected as a JSON value."""
    columns = _columns([(caller, key) for caller, key, _, _ in new])
    subjects = [orjson.dumps(subject).decode() for _, _, _, subject in new]
    await tx.run(_ADD, **columns, hashes=[body_hash for _, _, body_hash, _ in new], subjects=subjects)


def _columns(keys: Collection[Key]) -> dict[str, list[str]]:
    return {"callers": [caller for caller, _ in keys], "keys": [key for _, key in keys]}


async def delete_old(tx: Tx, *, limit: int) -> int:
    """Deletes keys older than 48 hours, of which 24 are promised; returns their number."""
    return (await tx.conn.execute(_DELETE_OLD, {"limit": limit})).rowcount
