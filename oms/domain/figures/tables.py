"""The tables of the figures. They are derived from the events of orders, and written by workers only."""

from typing import Final

from sqlalchemy import BigInteger, CheckConstraint, Column, DateTime, Integer, Text

from oms.platform.tables import EVERYWHERE, NOBODY, PLAIN, Access, table

figures: Final = table(
    "figures",
    Column("measure", Text, primary_key=True, info=PLAIN),
    Column("slot", DateTime(timezone=True), primary_key=True),
    Column("key", Text, primary_key=True, info=PLAIN),
    Column("amount", BigInteger, nullable=False),
    access=Access.CHANGE,
    distributed_by=EVERYWHERE,
    customer_rows=NOBODY,
)
"""A sum of each slot of time."""

figures_progress: Final = table(
    "figures_progress",
    Column("id", Integer, primary_key=True, autoincrement=False),
    # The events of all transactions up to this one are counted, and none of those after it.
    Column("transaction", BigInteger, nullable=False),
    Column("known_from", DateTime(timezone=True), nullable=False),
    Column("known_until", DateTime(timezone=True), nullable=False),
    CheckConstraint("id = 1", name="single_row"),
    access=Access.CHANGE,
    distributed_by=EVERYWHERE,
    customer_rows=NOBODY,
)
