"""The tables of the figures, written by workers only: from the events of orders, and a sample of each minute."""

from typing import Final

from sqlalchemy import BigInteger, CheckConstraint, Column, DateTime, Integer, Text
from sqlalchemy.dialects.postgresql import JSONB

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

operations_samples: Final = table(
    "operations_samples",
    Column("minute", DateTime(timezone=True), primary_key=True),
    # {queue: [workers alive, work that is due]} at the beginning of the minute
    Column("queues", JSONB, nullable=False, info=PLAIN),
    # orders completed in the minute before
    Column("completed", Integer, nullable=False),
    access=Access.REMOVE,
    distributed_by=EVERYWHERE,
    customer_rows=NOBODY,
)
