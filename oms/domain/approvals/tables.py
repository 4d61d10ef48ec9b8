"""The table of requests."""

from typing import Final

from sqlalchemy import BigInteger, Column, DateTime, Index, Text, Uuid, text

from oms.platform.tables import EVERYWHERE, NOBODY, PLAIN, Access, table

approvals: Final = table(
    "approvals",
    Column("id", Uuid, primary_key=True),
    Column("act", Text, nullable=False, info=PLAIN),
    Column("subject", Text, nullable=False, info=PLAIN),
    Column("reason", Text, info=PLAIN),
    Column("amount_minor", BigInteger),
    Column("currency", Text, info=PLAIN),
    Column("requested_at", DateTime(timezone=True), nullable=False),
    Column("requested_by", Text, nullable=False, info=PLAIN),
    Column("requested_role", Text, nullable=False, info=PLAIN),
    Column("requester", Text, nullable=False, info=PLAIN),  # a principal, such as account:…
    Column("decided_at", DateTime(timezone=True)),
    Column("decider", Text, info=PLAIN),
    Column("outcome", Text, info=PLAIN),  # CONFIRMED or REJECTED
    Index("uq_approvals_waiting", "act", "subject", unique=True, postgresql_where=text("decided_at IS NULL")),
    access=Access.CHANGE,
    distributed_by=EVERYWHERE,
    customer_rows=NOBODY,
)
