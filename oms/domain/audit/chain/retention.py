"""How long the audit log keeps what: addresses for some days; entries for ever, or until the owner removes old ones.

Entries are removed from the beginning of the chain. The last removed one leaves its link as an anchor, which a new
entry names: so the rest stays verifiable, and a removal by anybody else shows.
"""

from datetime import timedelta
from typing import Final

from sqlalchemy import text

from oms.domain.audit.chain import store as chain_store
from oms.domain.audit.model import OPERATOR, Entry
from oms.domain.audit.policy import RetentionAction
from oms.domain.audit.record import record
from oms.platform.db import Tx

_ANCHOR: Final = text(
    """
    SELECT number, digest FROM audit_chain
    WHERE number < coalesce(
        (SELECT min(c.number) FROM audit_chain c JOIN audit_events a ON a.id = c.audit_id
         WHERE a.at >= clock_timestamp() - CAST(:age AS interval)),
        (SELECT max(number) + 1 FROM audit_chain))
    ORDER BY number DESC LIMIT 1
    """
)
_REMOVE: Final = text("DELETE FROM audit_events a USING audit_chain c WHERE c.audit_id = a.id AND c.number <= :number")
_REMOVE_ADDRESSES: Final = text(
    "DELETE FROM audit_addresses a USING audit_chain c WHERE c.audit_id = a.audit_id AND c.number <= :number"
)
_REMOVE_LINKS: Final = text("DELETE FROM audit_chain WHERE number < :number")
_DELETE_OLD_ADDRESSES: Final = text(
    """
    DELETE FROM audit_addresses WHERE audit_id IN (
        SELECT audit_id FROM audit_addresses WHERE at < statement_timestamp() - CAST(:age AS interval)
        ORDER BY at LIMIT :limit)
    """
)


async def remove_entries(tx: Tx, age: timedelta) -> int:
    """Removes sealed entries that are older, with the database's owner role. Returns how many; the removal is recorded.

    Entries that are not sealed yet stay, as does a younger entry's successor.
    """
    await chain_store.lock(tx)
    anchor = (await tx.conn.execute(_ANCHOR, {"age": age})).one_or_none()
    if anchor is None:
        return 0
    await tx.conn.execute(_REMOVE_ADDRESSES, {"number": anchor.number})
    removed = (await tx.conn.execute(_REMOVE, {"number": anchor.number})).rowcount
    if removed:
        await tx.conn.execute(_REMOVE_LINKS, {"number": anchor.number})
        kept = {"removed": removed, "anchor": anchor.number, "digest": anchor.digest.hex()}
        await record(tx, OPERATOR, Entry(RetentionAction.AuditEntriesRemoved, after=kept))
    return removed


async def delete_old_addresses(tx: Tx, age: timedelta, *, limit: int) -> int:
    """Returns how many. Their entries stay, and stay sealed."""
    return (await tx.conn.execute(_DELETE_OLD_ADDRESSES, {"age": age, "limit": limit})).rowcount
