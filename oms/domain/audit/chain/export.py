"""The audit log as JSON Lines: one entry each, with its number and digest in the chain."""

import json
from collections.abc import AsyncIterator
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from sqlalchemy import text

from oms.domain.audit.chain.store import ENTRY
from oms.domain.audit.model import OPERATOR, Entry
from oms.domain.audit.policy import RetentionAction
from oms.domain.audit.record import record
from oms.platform.db import Database

_PAGE: Final = 1000
_ENTRIES: Final = text(
    f"""
    SELECT a.transaction, a.id, c.number, encode(c.digest, 'hex') AS digest, d.address, {ENTRY} AS entry
    FROM audit_events a LEFT JOIN audit_chain c ON c.audit_id = a.id LEFT JOIN audit_addresses d ON d.audit_id = a.id
    WHERE (a.transaction, a.id) > (:transaction, :id) AND a.at >= :since AND a.at < :before
    ORDER BY a.transaction, a.id LIMIT {_PAGE}
    """  # noqa: S608 - constants
)


async def lines(db: Database, since: datetime, before: datetime) -> AsyncIterator[str]:
    """In the order of the chain. The export is in the audit log itself, after what it contains.

    An entry is written exactly as it was sealed, so a reader can compute the digests anew.
    """
    position: dict[str, Any] = {"transaction": 0, "id": UUID(int=0)}
    count = 0
    while True:
        async with db.reading() as conn:
            rows = (await conn.execute(_ENTRIES, position | {"since": since, "before": before})).all()
        for row in rows:
            head = json.dumps({"number": row.number, "digest": row.digest, "address": row.address})
            yield f'{head[:-1]}, "entry": {row.entry}}}'
        count += len(rows)
        if len(rows) < _PAGE:
            break
        position = {"transaction": rows[-1].transaction, "id": rows[-1].id}
    asked = {"from": since.isoformat(), "to": before.isoformat(), "entries": count}
    async with db.transaction() as tx:
        await record(tx, OPERATOR, Entry(RetentionAction.AuditLogExported, after=asked))
