"""The table of customers."""

from typing import Final

from sqlalchemy import Column, DateTime, Text, Uuid

from oms.platform.tables import Access, CustomerRows, personal, table

customers: Final = table(
    "customers",
    Column("id", Uuid, primary_key=True),
    Column("reference", Text(collation="C"), nullable=False, unique=True, info=personal(":pseudonym")),
    Column("created_at", DateTime(timezone=True), nullable=False),
    access=Access.CHANGE,
    distributed_by=("reference", "customer reference"),
    customer_rows=CustomerRows("id = :customer"),
)
