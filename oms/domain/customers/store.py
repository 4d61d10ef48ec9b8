"""Customers in PostgreSQL."""

from collections.abc import Collection, Iterable
from datetime import datetime
from typing import Final
from uuid import UUID

import asyncpg

from oms.domain.vocabulary.ids import uuid7
from oms.platform.db import Statement, Tx

# A shared lock: orders being placed copy the customer's reference, and an erasure must wait for them.
_FIND: Final = Statement(
    """
    SELECT reference, id FROM customers WHERE reference = ANY(CAST(:references AS text[])) ORDER BY reference
    FOR KEY SHARE
    """
)
_ADD: Final = Statement(
    """
    INSERT INTO customers (id, reference, created_at)
    SELECT id, reference, CAST(:at AS timestamptz)
    FROM unnest(CAST(:ids AS uuid[]), CAST(:references AS text[])) AS t(id, reference)
    ORDER BY reference ON CONFLICT (reference) DO NOTHING RETURNING reference, id
    """
)


async def of_references(tx: Tx, references: Collection[str], *, at: datetime) -> dict[str, UUID]:
    """Ids by reference; a new reference creates a customer."""
    known = await _find(tx, references)
    new = sorted(set(references) - known.keys())
    if not new:
        return known
    known |= _by_reference(await tx.rows(_ADD, ids=[uuid7(at) for _ in new], references=new, at=at))
    # Another transaction may have added some in the meantime.
    missing = [reference for reference in new if reference not in known]
    return known | (await _find(tx, missing) if missing else {})


_LOCK: Final = Statement("SELECT id FROM customers WHERE reference = :reference FOR UPDATE")


async def lock(tx: Tx, reference: str) -> UUID | None:
    """The customer's id; None if there is no such customer."""
    found = await tx.rows(_LOCK, reference=reference)
    return found[0][0] if found else None


_REFERENCE: Final = Statement("SELECT reference FROM customers WHERE id = :id")


async def reference_of(tx: Tx, customer: UUID) -> str | None:
    found = await tx.rows(_REFERENCE, id=customer)
    return found[0][0] if found else None


async def _find(tx: Tx, references: Collection[str]) -> dict[str, UUID]:
    return _by_reference(await tx.rows(_FIND, references=list(references)))


def _by_reference(rows: Iterable[asyncpg.Record]) -> dict[str, UUID]:
    return {reference: customer_id for reference, customer_id in rows}  # noqa: C416 - a record is no tuple to mypy
