"""Reads and erases what the tables hold about a customer, as they declare it (oms/platform/tables.py)."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final
from uuid import UUID

from sqlalchemy import Table, text

from oms.domain.concept.registry import registered
from oms.platform.db import Tx
from oms.platform.tables import CustomerRows, described, erased_columns, exported_columns

MAX_NAMED: Final = 5


@dataclass(frozen=True, slots=True)
class Erased:
    """The customer's new reference, and how many rows were erased, by table."""

    pseudonym: str
    rows: Mapping[str, int]

    def __getitem__(self, table: str) -> int:
        return self.rows[table]


async def export(tx: Tx, customer: UUID, reference: str) -> dict[str, Any]:
    """Rows as JSON values, by table that holds something about customers."""
    held = {}
    for table, rows in _tables_of_customers():
        if rows.export:
            columns = ", ".join(column.name for column in exported_columns(table))
            order = ", ".join(column.name for column in table.primary_key)
            query = f"SELECT {columns} FROM {table.name} WHERE {rows.where} ORDER BY {order}"
            whole = f"SELECT coalesce(jsonb_agg(to_jsonb(held)), '[]') FROM ({query}) held"
            held[table.name] = (await tx.conn.execute(text(whole), _bound(whole, customer, reference))).scalar_one()
    return held


_OPEN: Final = text(
    """
    SELECT reference FROM orders o WHERE customer_reference = :reference
    AND (closed_at IS NULL OR EXISTS (SELECT FROM work w WHERE w.subject_id = o.id)) ORDER BY id LIMIT :limit
    """
)


async def open_orders(tx: Tx, reference: str) -> list[str]:
    """References of at most five orders that are open or have work to do, such as a refund."""
    return list((await tx.conn.execute(_OPEN, {"reference": reference, "limit": MAX_NAMED})).scalars())


async def erase(tx: Tx, customer: UUID, reference: str) -> Erased:
    """Deletes or overwrites what is personal. The caller holds the customer's row."""
    pseudonym = f"erased-{customer.hex}"
    erased: dict[str, int] = {}
    # Tables whose conditions read other tables come first: erased tables no longer contain the reference.
    for table, rows in sorted(_tables_of_customers(), key=lambda each: not each[1].through_others):
        if statement := _erasure(table, rows):
            found = await tx.conn.execute(text(statement), _bound(statement, customer, reference, pseudonym))
            erased[table.name] = found.rowcount
    return Erased(pseudonym, erased)


def _erasure(table: Table, rows: CustomerRows) -> str | None:
    if rows.delete:
        return f"DELETE FROM {table.name} WHERE {rows.delete_where or rows.where}"
    if changes := erased_columns(table):
        assignments = ", ".join(f"{column} = {expression}" for column, expression in changes.items())
        return f"UPDATE {table.name} SET {assignments} WHERE {rows.where}"
    return None


def _tables_of_customers() -> list[tuple[Table, CustomerRows]]:
    """The table of customers comes last: until it changes, the reference finds all other rows."""
    declared = [(table, described(table).customer_rows) for table in registered().tables.values()]
    found = [(table, rows) for table, rows in declared if rows is not None]
    return sorted(found, key=lambda each: each[0].name == "customers")


def _bound(statement: str, customer: UUID, reference: str, pseudonym: str = "") -> dict[str, Any]:
    """The values that the statement names."""
    values = {"customer": customer, "reference": reference, "pseudonym": pseudonym}
    return {name: value for name, value in values.items() if f":{name}" in statement}
