"""The tables of fraud control."""

from typing import Final

from sqlalchemy import BigInteger, Boolean, CheckConstraint, Column, DateTime, Integer, Text, Uuid
from sqlalchemy.dialects.postgresql import JSONB

from oms.platform.tables import EVERYWHERE, NOBODY, PLAIN, Access, CustomerRows, table

fraud_settings: Final = table(
    "fraud_settings",
    Column("id", Integer, primary_key=True, autoincrement=False),
    # Minor units by currency; a currency without a limit is left out. They are in the row that charges lock and read
    # anyway: in a table of their own they would cost each batch of charges a second read.
    Column("limits", JSONB, nullable=False, info=PLAIN),
    Column("maintenance", Boolean, nullable=False),
    Column("period", Integer, nullable=False),
    Column("last_seq", Integer, nullable=False),
    Column("updated_at", DateTime(timezone=True), nullable=False),
    CheckConstraint("id = 1", name="single_row"),
    access=Access.UPDATE_ONLY,
    distributed_by=EVERYWHERE,
    customer_rows=NOBODY,
)

fraud_events: Final = table(
    "fraud_events",
    Column("seq", Integer, primary_key=True, autoincrement=False),
    Column("at", DateTime(timezone=True), nullable=False),
    Column("type", Text, nullable=False, info=PLAIN),
    Column("actor", Text, nullable=False, info=PLAIN),
    Column("actor_role", Text, info=PLAIN),
    Column("reason", Text, info=PLAIN),
    Column("before", JSONB, nullable=False, info=PLAIN),
    Column("after", JSONB, nullable=False, info=PLAIN),
    access=Access.APPEND,
    distributed_by=EVERYWHERE,
    customer_rows=NOBODY,
)

tallies: Final = table(
    "tallies",
    Column("customer_id", Uuid, primary_key=True, info={"export": False}),
    Column("currency", Text, primary_key=True, info=PLAIN),
    Column("period", Integer, nullable=False),
    Column("spent_minor", BigInteger, nullable=False),
    CheckConstraint("spent_minor >= 0", name="never_negative"),
    access=Access.CHANGE,
    distributed_by=("customer_id", "customer"),
    customer_rows=CustomerRows("customer_id = :customer"),
)
