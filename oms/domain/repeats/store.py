"""Idempotency keys in PostgreSQL, written in the transaction of the effect."""

from typing import Any, Final

from sqlalchemy import Column, DateTime, Index, LargeBinary, Table, Text, text
from sqlalchemy.dialects.postgresql import JSONB

from oms.db import Tx, metadata

idempotency_keys: Final = Table(
    "idempotency_keys",
    metadata,
    Column("caller", Text, primary_key=True),
    Column("key", Text, primary_key=True),
    Column("body_hash", LargeBinary, nullable=False),
    Column("subject", JSONB, nullable=False),
    Column("created_at", DateTime(timezone=True), nullable=False),
    Index(None, "created_at"),
)

_LOCK: Final = text("SELECT pg_try_advisory_xact_lock(hashtextextended(:name, 0))")
_FIND: Final = text("SELECT body_hash, subject FROM idempotency_keys WHERE caller = :caller AND key = :key")
_FORGET: Final = text(
    """
    DELETE FROM idempotency_keys WHERE (caller, key) IN (
        SELECT caller, key FROM idempotency_keys
        WHERE created_at < statement_timestamp() - interval '48 hours' ORDER BY created_at LIMIT :most)
    """
)


async def try_lock(tx: Tx, caller: str, key: str) -> bool:
    """False while another transaction carries out the same key."""
    return bool((await tx.conn.execute(_LOCK, {"name": f"{caller}\n{key}"})).scalar_one())


async def find(tx: Tx, caller: str, key: str) -> tuple[bytes, Any] | None:
    """The hash of the body that came with the key, and what it affected."""
    row = (await tx.conn.execute(_FIND, {"caller": caller, "key": key})).one_or_none()
    return (row.body_hash, row.subject) if row else None


async def add(tx: Tx, caller: str, key: str, body_hash: bytes, subject: Any) -> None:
    await tx.conn.execute(
        idempotency_keys.insert(),
        {
            "caller": caller,
            "key": key,
            "body_hash": body_hash,
            "subject": subject,
            "created_at": await tx.clock(),
        },
    )


async def forget_old(tx: Tx, *, most: int) -> int:
    """Deletes keys older than 48 hours, of which 24 are promised; returns how many."""
    return (await tx.conn.execute(_FORGET, {"most": most})).rowcount
