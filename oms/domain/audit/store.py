"""The audit log in PostgreSQL. The application's database role may only add to it and read it."""

import hashlib
import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from sqlalchemy import insert

from oms.domain.audit.model import Entry
from oms.domain.audit.tables import audit_addresses, audit_events
from oms.domain.vocabulary.actor import Actor
from oms.domain.vocabulary.ids import uuid7
from oms.platform.db import Tx

_SALT_BYTES: Final = 16


@dataclass(frozen=True, slots=True)
class Origin:
    """Who did it, in which session and from which network address; a machine has neither."""

    actor: Actor
    principal: str
    session_id: UUID | None = None
    address: str | None = None


async def add(tx: Tx, origin: Origin, entries: Sequence[Entry], *, at: datetime) -> None:
    """One row for each entry, in their order; nothing without any."""
    if not entries:
        return
    rows = [_who(origin, at) | {"id": uuid7(at)} | _columns(entry) for entry in entries]
    if origin.address is not None:
        await tx.conn.execute(insert(audit_addresses), [_with_address(row, origin.address) for row in rows])
    await tx.conn.execute(insert(audit_events), rows)


def _who(origin: Origin, at: datetime) -> dict[str, Any]:
    by = origin.actor
    return {
        "at": at,
        "actor": by.name,
        "actor_role": by.role and str(by.role),
        "principal": origin.principal,
        "session_id": origin.session_id,
        "address_digest": None,
    }


def _with_address(row: dict[str, Any], address: str) -> dict[str, Any]:
    """The row of the address. The entry gets a digest of both, which nobody can reverse without the salt."""
    salt = secrets.token_bytes(_SALT_BYTES)
    row["address_digest"] = hashlib.sha256(salt + address.encode()).digest()
    return {"audit_id": row["id"], "at": row["at"], "principal": row["principal"], "address": address, "salt": salt}


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
