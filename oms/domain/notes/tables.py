"""The table of notes."""

from typing import Final

from sqlalchemy import Column, DateTime, Integer, Text, Uuid

from oms.platform.tables import PLAIN, Access, CustomerRows, personal, table

order_notes: Final = table(
    "order_notes",
    Column("order_id", Uuid, primary_key=True),
    Column("number", Integer, primary_key=True),
    Column("at", DateTime(timezone=True), nullable=False),
    Column("author", Text, nullable=False, info=PLAIN),
    Column("author_role", Text, nullable=False, info=PLAIN),
    Column("text", Text, info=personal()),
    access=Access.CHANGE,  # only an erasure changes a note
    distributed_by=("order_id", "order"),
    customer_rows=CustomerRows(
        "order_id IN (SELECT id FROM orders WHERE customer_reference = :reference)", through_others=True
    ),
)
