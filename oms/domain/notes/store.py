"""Notes in PostgreSQL."""

from collections.abc import Collection
from typing import Final
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from oms.domain.notes.model import Note
from oms.domain.vocabulary.actor import Actor, Role
from oms.platform.db import Row, Statement, Tx

COLUMNS: Final = "n.order_id, n.number, n.at, n.author, n.author_role, n.text"
"""Of a note `n`, as note_of() expects them."""

_ADD: Final = Statement(
    f"""
    INSERT INTO order_notes AS n (order_id, number, at, author, author_role, text)
    SELECT :order_id, coalesce(max(o.number), 0) + 1, clock_timestamp(), CAST(:author AS text),
           CAST(:author_role AS text), CAST(:text AS text)
    FROM order_notes o WHERE o.order_id = :order_id RETURNING {COLUMNS}
    """  # noqa: S608 - names of columns
)
_LAST_NUMBERS: Final = text(
    "SELECT order_id, max(number) FROM order_notes WHERE order_id = ANY(CAST(:orders AS uuid[])) GROUP BY order_id"
)


async def add(tx: Tx, order_id: UUID, by: Actor, text: str) -> Note:
    """The caller holds the order's lock, so that numbers have no gaps."""
    [row] = await tx.rows(_ADD, order_id=order_id, author=by.name, author_role=str(by.role), text=text)
    return note_of(row)


async def last_numbers(conn: AsyncConnection, orders: Collection[UUID]) -> dict[UUID, int]:
    """By order, the number of its newest note; orders without notes are left out."""
    rows = (await conn.execute(_LAST_NUMBERS, {"orders": list(orders)})).all()
    return {row[0]: row[1] for row in rows}


def note_of(row: Row) -> Note:
    """From a row of COLUMNS."""
    order_id, number, at, author, role, text = row
    return Note(order_id, number, at, Actor(author, Role(role)), text)
