"""Reference page: the tables as they describe themselves."""

from typing import Final

from sqlalchemy import Table

from oms.domain.concept.registry import registered
from oms.platform.tables import described, erased_columns, exported_columns

_HEAD: Final = """\
# Tables

What each table says about itself: its concept, what the application's database role may do with it, the key that it
would be distributed by over several servers, and what it holds about a customer.
This page is generated: `make docs`.

| table | concept | granted | distributed by | stored together by |
| --- | --- | --- | --- | --- |
"""
_PERSONAL: Final = """
## What is held about a customer

The export contains the columns of the third column. Erasure deletes the rows, or sets the columns of the last column.

| table | rows of the customer | exported | erased |
| --- | --- | --- | --- |
"""


def tables_page() -> str:
    tables = [(concept.name, table) for concept in registered().concepts for table in concept.tables]
    return (
        _HEAD + "".join(_row(*each) for each in tables) + _PERSONAL + "".join(_personal(table) for _, table in tables)
    )


def _row(concept: str, table: Table) -> str:
    description = described(table)
    granted = ", ".join(sorted(description.access.privileges))
    key = f"`{description.key}`" if description.key else "–"
    return f"| `{table.name}` | {concept} | {granted} | {key} | {description.of} |\n"


def _personal(table: Table) -> str:
    rows = described(table).customer_rows
    if rows is None:
        return ""
    exported = ", ".join(column.name for column in exported_columns(table)) if rows.export else "–"
    erased = "the rows" if rows.delete else ", ".join(erased_columns(table)) or "–"
    where = " ".join(rows.where.split())
    return f"| `{table.name}` | `{where}` | {exported} | {erased} |\n"
