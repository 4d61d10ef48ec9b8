"""The audit log in PostgreSQL. The application's database role may only add to it and read it."""

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import insert

from oms.domain.audit.model import Entry
from oms.domain.audit.tables import audit_events
from oms.domain.vocabulary.actor import Actor
from oms.domain.vocabulary.ids import uuid7
from oms.platform.db import Tx


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
