"""The chain in PostgreSQL. Entries are found by a watermark, as oms.domain.order_queries.event_log finds events."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from sqlalchemy import insert, text
from sqlalchemy.ext.asyncio import AsyncConnection

from oms.domain.audit.chain.links import BEGINNING, Link, Unsealed
from oms.domain.audit.tables import audit_chain
from oms.platform.db import Tx

ENTRY: Final = """
    jsonb_build_object(
        'id', a.id, 'at', to_char(a.at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"'), 'actor', a.actor,
        'actorRole', a.actor_role, 'principal', a.principal, 'action', a.action, 'subject', a.subject,
        'before', a.before, 'after', a.after, 'reason', a.reason, 'orderId', a.order_id, 'seq', a.seq,
        'sessionId', a.session_id, 'addressDigest', encode(a.address_digest, 'hex'), 'transaction', a.transaction
    )::text
"""
"""An entry `a` as the JSON text that is sealed; PostgreSQL sorts its keys."""

_LOCK: Final = text("SELECT pg_try_advisory_xact_lock(hashtextextended('oms audit chain', 0))")
_WAIT_FOR_LOCK: Final = text("SELECT pg_advisory_xact_lock(hashtextextended('oms audit chain', 0))")
_LAST: Final = text("SELECT number, audit_id, transaction, digest FROM audit_chain ORDER BY number DESC LIMIT 1")
_UNSEALED: Final = text(
    f"""
    SELECT a.id, a.transaction, {ENTRY} FROM audit_events a
    WHERE (a.transaction, a.id) > (:transaction, :id)
      AND a.transaction < pg_snapshot_xmin(pg_current_snapshot())::text::bigint
    ORDER BY a.transaction, a.id LIMIT :limit
    """  # noqa: S608 - a constant of this module
)
_WAITING: Final = text(
    """
    SELECT count(*), coalesce(extract(epoch FROM clock_timestamp() - min(a.at)), 0) FROM audit_events a
    WHERE (a.transaction, a.id) > (:transaction, :id)
    """
)


@dataclass(frozen=True, slots=True)
class Progress:
    """How far the log is sealed: the last link, how many entries wait, and for how long the oldest has."""

    last: Link
    waiting: int
    oldest_s: float


async def try_lock(tx: Tx) -> bool:
    """Whether this transaction is the only one that adds links now."""
    return bool((await tx.conn.execute(_LOCK)).scalar_one())


async def lock(tx: Tx) -> None:
    """Waits until no other transaction adds links."""
    await tx.conn.execute(_WAIT_FOR_LOCK)


async def last(conn: AsyncConnection) -> Link:
    """BEGINNING if nothing is sealed yet."""
    row = (await conn.execute(_LAST)).one_or_none()
    return Link(*row) if row else BEGINNING


async def unsealed(tx: Tx, after: Link, *, limit: int) -> list[Unsealed]:
    """The next entries, of transactions before which none is still open: so none can come in between later."""
    values = {"transaction": after.transaction, "id": after.audit_id, "limit": limit}
    return [Unsealed(*row) for row in await tx.conn.execute(_UNSEALED, values)]


async def add(tx: Tx, links: Sequence[Link]) -> None:
    rows = [
        {"number": each.number, "audit_id": each.audit_id, "transaction": each.transaction, "digest": each.digest}
        for each in links
    ]
    await tx.conn.execute(insert(audit_chain), rows)


async def progress(conn: AsyncConnection) -> Progress:
    sealed_to = await last(conn)
    values = {"transaction": sealed_to.transaction, "id": sealed_to.audit_id}
    count, oldest_s = (await conn.execute(_WAITING, values)).one()
    return Progress(sealed_to, count, float(oldest_s))
