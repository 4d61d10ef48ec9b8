"""The audit trail in PostgreSQL. The application's role may add to it and read it, and no more."""

from collections.abc import Sequence
from datetime import datetime
from typing import Final

from sqlalchemy import Column, DateTime, Index, Integer, Table, Text, Uuid, insert
from sqlalchemy.dialects.postgresql import JSONB

from oms.domain.audit.model import Entry
from oms.domain.vocabulary.actor import Actor
from oms.domain.vocabulary.ids import uuid7
from oms.platform.db import Tx, metadata

audit_events: Final = Table(
    "audit_events",
    metadata,
    Column("id", Uuid, primary_key=True),
    Column("at", DateTime(timezone=True), nullable=False),
    Column("actor", Text, nullable=False),
    Column("actor_role", Text),
    Column("principal", Text, nullable=False),
    Column("action", Text, nullable=False),
    Column("subject", Text, nullable=False),
    Column("before", JSONB(none_as_null=True)),
    Column("after", JSONB(none_as_null=True)),
    Column("reason", Text),
    Column("order_id", Uuid),
    Column("seq", Integer),
    Index(None, "actor", "id"),
    Index(None, "principal", "id"),
    Index(None, "action", "id"),
    Index(None, "subject", "id"),
)


async def add(tx: Tx, by: Actor, principal: str, entries: Sequence[Entry], *, at: datetime) -> None:
    """One row for each entry, in their order; nothing without any."""
    if entries:
        who = {"at": at, "actor": by.name, "actor_role": by.role and str(by.role), "principal": principal}
        await tx.conn.execute(insert(audit_events), [who | {"id": uuid7(at)} | _columns(entry) for entry in entries])


def _columns(entry: Entry) -> dict[str, object]:
    return {
        "action": str(entry.action),
        "subject": entry.subject,
        "before": entry.before,
        "after": entry.after,
        "reason": entry.reason,
        "order_id": entry.order_id,
        "seq": entry.seq,
    }
