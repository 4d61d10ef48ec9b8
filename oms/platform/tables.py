"""Tables describe themselves: what the application may do with them, by which key they are distributed, and what they
hold about a customer. Grants, erasure, export and docs/reference/tables.md are derived from it.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import Enum
from typing import Any, Final

from sqlalchemy import ARRAY, Column, LargeBinary, MetaData, Table, Text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.sql.schema import SchemaItem

metadata: Final = MetaData(
    naming_convention={
        "pk": "pk_%(table_name)s",
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "ck": "ck_%(table_name)s_%(constraint_name)s",
        "fk": "fk_%(table_name)s_%(column_0_N_name)s_%(referred_table_name)s",
    }
)
"""Every table; each is declared in its concept's folder."""


class Access(Enum):
    """What the application's database role may do with a table. A row lock needs UPDATE, too."""

    READ = frozenset({"SELECT"})
    APPEND = READ | {"INSERT"}
    """An event log: added to, never changed."""
    UPDATE_ONLY = READ | {"UPDATE"}
    """Rows that the migration created."""
    CHANGE = APPEND | {"UPDATE"}
    REMOVE = APPEND | {"DELETE"}
    ALL = CHANGE | {"DELETE"}

    @property
    def privileges(self) -> frozenset[str]:
        return self.value


class Undescribed(Exception):
    """A table or a column without its declaration; the message says what to add."""


@dataclass(frozen=True, slots=True)
class Erase:
    """What erasure writes into a column: an SQL expression over the row, or `:pseudonym`."""

    expression: str = "NULL"


def personal(erase: str = "NULL") -> dict[str, Any]:
    """Info of a column that holds personal data: exported, and overwritten by erasure with the SQL expression."""
    return {"personal": True, "erase": Erase(erase)}


def secret(erase: str | None = "NULL") -> dict[str, Any]:
    """Info of a column that is never exported, such as a hash; None: erasure leaves it."""
    return {"personal": False, "export": False} | ({"erase": Erase(erase)} if erase is not None else {})


def ended(erase: str) -> dict[str, Any]:
    """Info of a column without personal data that erasure sets to the SQL expression."""
    return {"personal": False, "erase": Erase(erase)}


PLAIN: Final[dict[str, Any]] = {"personal": False}
"""Info of a column that could hold personal data by its type, and does not."""

INTERNAL: Final[dict[str, Any]] = {"personal": False, "export": False}
"""The same for a column that means nothing outside of the system, and is left out of exports."""


@dataclass(frozen=True, slots=True)
class CustomerRows:
    """Which rows of a table belong to a customer: an SQL condition that binds :reference or :customer (their id).

    `through_others`: the condition reads other tables, so erasure must handle this table before them.
    `export`: whether the rows are part of an export. `delete`: erasure deletes them; a wider condition than `where`
    may be given for that.
    """

    where: str
    through_others: bool = False
    export: bool = True
    delete: bool = False
    delete_where: str | None = None


NOBODY: Final = None
"""For tables that hold nothing about customers."""


@dataclass(frozen=True, slots=True)
class Description:
    """What a table says about itself. `key`: the column whose value decides on which node a row is stored.

    None: the table is small and stored on every node. `of` names what the key identifies: tables with the same `of` and
    equal keys are stored together.
    """

    access: Access
    key: str | None
    of: str
    customer_rows: CustomerRows | None


EVERYWHERE: Final = (None, "small, on every node")


def table(
    name: str,
    *items: SchemaItem,
    access: Access,
    distributed_by: tuple[str | None, str],
    customer_rows: CustomerRows | None,
    **options: Any,
) -> Table:
    """A table of the product. `distributed_by`: (key column, what it identifies), or EVERYWHERE.

    Raises Undescribed for a column that could hold personal data and does not say whether it does.
    """
    for item in items:
        if isinstance(item, Column) and _could_be_personal(item) and "personal" not in item.info:
            raise Undescribed(
                f"The column {name}.{item.name} could hold personal data: "
                "give it info=personal(…), secret(…), PLAIN or INTERNAL (oms/platform/tables.py)."
            )
    key, of = distributed_by
    columns = [item.name for item in items if isinstance(item, Column)]
    if key is not None and key not in columns:
        raise Undescribed(
            f"The table {name} is distributed by {key!r}, which is none of its columns: "
            f"name one of {', '.join(columns)}, or EVERYWHERE."
        )
    described = Table(name, metadata, *items, **options)
    described.info["described"] = Description(access, key, of, customer_rows)
    return described


def _could_be_personal(column: Column[Any]) -> bool:
    kind = column.type.item_type if isinstance(column.type, ARRAY) else column.type
    return isinstance(kind, Text | JSONB | LargeBinary)


def described(table: Table) -> Description:
    """Raises Undescribed for a table that was not made by table()."""
    try:
        found: Description = table.info["described"]
    except KeyError:
        raise Undescribed(
            f"The table {table.name} is not described: declare it with oms.platform.tables.table()."
        ) from None
    return found


def exported_columns(table: Table) -> Iterator[Column[Any]]:
    """Those that an export of a customer's data contains."""
    return (column for column in table.c if column.info.get("export", True))


def erased_columns(table: Table) -> Mapping[str, str]:
    """What erasure sets each column to, as SQL expressions by column."""
    return {column.name: column.info["erase"].expression for column in table.c if "erase" in column.info}
