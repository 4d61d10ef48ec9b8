"""Customers in PostgreSQL."""

from collections.abc import Collection
from datetime import datetime
from typing import Final
from uuid import UUID

from sqlalchemy import Column, DateTime, Table, Text, Uuid, text

from oms.db import Tx, metadata
from oms.domain.ids import uuid7

customers: Final = Table(
    "customers",
    metadata,
    Column("id", Uuid, primary_key=True),
    Column("reference", Text(collation="C"), nullable=False, unique=True),
    Column("created_at", DateTime(timezone=True), nullable=False),
)

_FIND: Final = text("SELECT reference, id FROM customers WHERE reference = ANY(CAST(:references AS text[]))")
_ADD: Final = text(
    """
    INSERT INTO customers (id, reference, created_at)
    SELECT id, reference, :at FROM unnest(CAST(:ids AS uuid[]), CAST(:references AS text[])) AS t(id, reference)
    ORDER BY reference ON CONFLICT (reference) DO NOTHING
    """
)


async def of_references(tx: Tx, references: Collection[str], *, at: datetime) -> dict[str, UUID]:
    """Ids by reference; a new reference makes a new customer."""
    known = await _find(tx, references)
    new = sorted(set(references) - known.keys())
    if not new:
        return known
    await tx.conn.execute(_ADD, {"ids": [uuid7(at) for _ in new], "references": new, "at": at})
    # Another transaction may have added some at the same time, so they are read and not assumed.
    return known | await _find(tx, new)


_LOCK: Final = text("SELECT id FROM customers WHERE reference = :reference FOR UPDATE")


async def lock(tx: Tx, reference: str) -> UUID | None:
    """The customer's id; None where there is no such customer."""
    found: UUID | None = (await tx.conn.execute(_LOCK, {"reference": reference})).scalar_one_or_none()
    return found


async def _find(tx: Tx, references: Collection[str]) -> dict[str, UUID]:
    found = await tx.conn.execute(_FIND, {"references": list(references)})
    return {row.reference: row.id for row in found}
