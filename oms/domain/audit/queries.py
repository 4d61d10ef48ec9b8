"""Reading the audit log. Entries that refer to an event take their content from it."""

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from oms.domain.access.permissions import Viewer, require
from oms.domain.audit.policy import AuditPermission
from oms.domain.concept.registry import registered
from oms.domain.vocabulary.actor import Actor, Role
from oms.domain.vocabulary.audit_action import AuditAction
from oms.domain.vocabulary.errors import refuse_all
from oms.domain.vocabulary.ids import customer_id, order_id, parse, uuid7_floor
from oms.domain.vocabulary.paging import Page, bad_cursor, check_first, cursor_of, key_of
from oms.domain.vocabulary.texts.checks import NAME_LENGTH, check_text
from oms.platform.db import Database


@dataclass(frozen=True, slots=True)
class AuditFilter:
    """None: no condition. `actor`: a name, or a principal such as `token:…`. Instants are UTC."""

    actor: str | None = None
    action: AuditAction | None = None
    subject: str | None = None
    since: datetime | None = None
    before: datetime | None = None


@dataclass(frozen=True, slots=True)
class AuditEvent:
    """One entry; `before` and `after` hold JSON values. `address`: None for machines, and after some days.

    `names`: of the accounts, tokens, customers and orders that it mentions, by their ids, if they have one.
    """

    id: UUID
    at: datetime
    by: Actor
    principal: str
    action: AuditAction
    subject: str
    before: Mapping[str, Any] | None
    after: Mapping[str, Any] | None
    reason: str | None
    order_id: UUID | None
    address: str | None
    session_id: UUID | None
    names: Mapping[str, str] = field(default_factory=dict)

    @property
    def mentioned(self) -> Iterator[str]:
        """Ids that may have names."""
        yield from (self.subject, *(str(value) for value in (self.after or {}).values()))
        if self.order_id:
            yield order_id(self.order_id)

    @property
    def cursor(self) -> str:
        return cursor_of(self.id.hex)


_AUDIT_LOG: Final = """
    SELECT a.id, a.at, a.actor, a.actor_role, a.principal, a.action, a.subject,
           coalesce(a.before, f.before,
               CASE WHEN e.data ? 'from' THEN jsonb_build_object('status', e.data -> 'from') END
           ) AS before,
           coalesce(a.after, f.after,
               CASE WHEN e.data ? 'to' THEN jsonb_build_object('status', e.data -> 'to') END
           ) AS after,
           coalesce(a.reason, f.reason, e.reason) AS reason, a.order_id, d.address, a.session_id
    FROM audit_events a
    LEFT JOIN audit_addresses d ON d.audit_id = a.id
    LEFT JOIN order_events e ON e.order_id = a.order_id AND e.seq = a.seq
    LEFT JOIN fraud_events f ON a.order_id IS NULL AND f.seq = a.seq
    WHERE {conditions} ORDER BY a.id DESC LIMIT :limit
"""
_CONDITIONS: Final = {
    "actor": "(a.actor = :actor OR a.principal = :actor)",
    "action": "a.action = :action",
    "subject": "a.subject = :subject",
    "since": "a.id >= :since",
    "before": "a.id < :before",
    "after": "a.id < :after",
}


async def audit_log(
    db: Database, viewer: Viewer, query_filter: AuditFilter, *, first: int, after: str | None
) -> Page[AuditEvent]:
    """Newest first. Raises Refused: FORBIDDEN, or INVALID."""
    require(viewer, AuditPermission.READ_AUDIT)
    for name in ("actor", "subject"):
        refuse_all(check_text(getattr(query_filter, name) or "", name, max_length=NAME_LENGTH, blank=True))
    given: dict[str, Any] = {
        "actor": query_filter.actor,
        "action": query_filter.action and str(query_filter.action),
        "subject": query_filter.subject,
        "since": query_filter.since and uuid7_floor(query_filter.since),
        "before": query_filter.before and uuid7_floor(query_filter.before),
        "after": after and _id_of(after),
    }
    values = {name: value for name, value in given.items() if value}
    query = _AUDIT_LOG.format(conditions=" AND ".join(["true", *(_CONDITIONS[name] for name in values)]))
    async with db.reading() as conn:
        rows = (await conn.execute(text(query), values | {"limit": check_first(first) + 1})).all()
        page = Page.of([_event(row) for row in rows], first)
        names = await _names(conn, {each for event in page.entries for each in event.mentioned})
    return Page([replace(event, names=names) for event in page.entries], page.more)


_NAMES: Final = text(
    """
    SELECT 'account', id, name FROM accounts WHERE id = ANY(CAST(:accounts AS uuid[]))
    UNION ALL SELECT 'token', id, name FROM access_tokens WHERE id = ANY(CAST(:tokens AS uuid[]))
    UNION ALL SELECT 'cus', id, reference FROM customers WHERE id = ANY(CAST(:customers AS uuid[]))
    UNION ALL SELECT 'ord', id, reference FROM orders WHERE id = ANY(CAST(:orders AS uuid[]))
    """
)
_PUBLIC: Final = {"cus": customer_id, "ord": order_id}


async def _names(conn: AsyncConnection, mentioned: Collection[str]) -> dict[str, str]:
    """By id."""
    keys: dict[str, list[UUID]] = {"account": [], "token": [], "cus": [], "ord": []}
    for each in mentioned:
        kind, _, rest = each.partition(":")
        if kind in ("account", "token") and (principal := _uuid(rest)):
            keys[kind].append(principal)
        elif (found := parse(each)) and found[0] in _PUBLIC:
            keys[found[0]].append(found[1])
    if not any(keys.values()):
        return {}
    given = {"accounts": keys["account"], "tokens": keys["token"], "customers": keys["cus"], "orders": keys["ord"]}
    rows = (await conn.execute(_NAMES, given)).all()
    return {_PUBLIC[kind](key) if kind in _PUBLIC else f"{kind}:{key}": name for kind, key, name in rows}


def _uuid(given: str) -> UUID | None:
    try:
        return UUID(given)
    except ValueError:
        return None


def _event(row: Any) -> AuditEvent:
    by = Actor(row.actor, Role(row.actor_role) if row.actor_role else None)
    action = registered().audit_actions[row.action]
    return AuditEvent(
        row.id, row.at, by, row.principal, action, row.subject, row.before, row.after, row.reason,
        row.order_id, row.address, row.session_id,
    )  # fmt: skip


def _id_of(cursor: str) -> UUID:
    try:
        return UUID(hex=key_of(cursor))
    except ValueError:
        raise bad_cursor() from None
