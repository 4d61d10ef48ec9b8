"""The table of repairs."""

from typing import Final

from sqlalchemy import Column, Text, Uuid

from oms.platform.tables import PLAIN, Access, CustomerRows, personal, table

repairs: Final = table(
    "repairs",
    Column("id", Uuid, primary_key=True),
    Column("customer_reference", Text, nullable=False, info=personal(":pseudonym")),
    Column("complaint", Text, info=personal()),
    Column("status", Text, nullable=False, info=PLAIN),
    access=Access.CHANGE,
    distributed_by=("id", "repair"),
    customer_rows=CustomerRows("customer_reference = :reference"),
)
