"""The table of the audit log."""

from typing import Final

from sqlalchemy import Column, DateTime, Index, Integer, Text, Uuid
from sqlalchemy.dialects.postgresql import JSONB

from oms.domain.access.principals import CALLERS
from oms.platform.tables import INTERNAL, PLAIN, Access, CustomerRows, table

audit_events: Final = table(
    "audit_events",
    Column("id", Uuid, primary_key=True, info={"export": False}),
    Column("at", DateTime(timezone=True), nullable=False),
    Column("actor", Text, nullable=False, info=INTERNAL),
    Column("actor_role", Text, info=INTERNAL),
    Column("principal", Text, nullable=False, info=INTERNAL),
    Column("action", Text, nullable=False, info=PLAIN),
    Column("subject", Text, nullable=False, info=PLAIN),
    Column("before", JSONB(none_as_null=True), info=PLAIN),
    Column("after", JSONB(none_as_null=True), info=PLAIN),
    Column("reason", Text, info=PLAIN),
    Column("order_id", Uuid, info={"export": False}),
    Column("seq", Integer, info={"export": False}),
    Index(None, "actor", "id"),
    Index(None, "principal", "id"),
    Index(None, "action", "id"),
    Index(None, "subject", "id"),
    access=Access.APPEND,
    distributed_by=("id", "audit entry"),
    customer_rows=CustomerRows(f"principal IN ({CALLERS})", through_others=True),
)
