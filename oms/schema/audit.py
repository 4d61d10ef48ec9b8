"""The audit log."""

import json
from collections.abc import Mapping
from enum import StrEnum
from typing import TYPE_CHECKING, Any, Self

import strawberry

from oms.domain.audit import queries
from oms.domain.audit.policy import AuditPermission
from oms.domain.concepts import REGISTRY
from oms.domain.vocabulary.ids import order_id, session_id
from oms.schema.runtime.connections import PAGE, Connection, connection, size
from oms.schema.runtime.context import Info
from oms.schema.runtime.enums import Role, described
from oms.schema.runtime.fields import attribute, field, object_type
from oms.schema.runtime.scalars import Instant

if TYPE_CHECKING:
    AuditAction = str
else:
    AuditAction = described(
        StrEnum("AuditAction", {name: name for name in REGISTRY.audit_actions}),
        "AuditAction",
        {
            "AuditEntriesRemoved": "Old entries, by the operator; names the last one removed.",
            "AuditLogExported": "By the operator, as JSON Lines.",
            "PersonalDataRead": "Staff read an order's shipping address; recorded once a minute, with a count.",
            "OperationRefused": "A caller tried what they may not do; recorded once a minute, with a count.",
            "OrderCancelled": "By staff; a customer who cancels overrides nothing.",
            "ShipmentFailed": "By staff; a courier who reports it overrides nothing.",
            "CatalogLoaded": "By a machine; only the number of changes is recorded.",
        },
    )


@strawberry.input
class AuditFilter:
    """All conditions given must hold."""

    actor: str | None = strawberry.field(default=None, description="A name, or a principal such as token:….")
    action: AuditAction | None = None
    subject: str | None = strawberry.field(default=None, description="A whole id or code.")
    since: Instant | None = None
    before: Instant | None = None

    def conditions(self) -> queries.AuditFilter:
        action = REGISTRY.audit_actions[self.action] if self.action else None
        return queries.AuditFilter(self.actor or None, action, self.subject or None, self.since, self.before)


@object_type(needs=AuditPermission.READ_AUDIT)
class AuditEvent:
    """Something that somebody did or tried."""

    at: Instant
    actor: str = attribute("A name; for customers their role, for people who run commands 'operator'.")
    actor_role: Role | None
    principal: str = attribute("Identifies the caller in all requests: account:…, token:….")
    action: AuditAction
    subject: str = attribute("An id, a code or a principal: what or whom it concerns.")
    order_id: strawberry.ID | None = attribute("If it concerns an order.")
    before: str | None = attribute("The old values, as JSON.")
    after: str | None = attribute("The new values, as JSON.")
    reason: str | None
    address: str | None = attribute("The network address of a person who did it; kept for some days.")
    session_id: strawberry.ID | None = attribute("The session in which a person did it.")

    @classmethod
    def of(cls, event: queries.AuditEvent) -> Self:
        return cls(
            at=Instant(event.at),
            actor=event.by.name,
            actor_role=event.by.role,
            principal=event.principal,
            action=AuditAction(str(event.action)),
            subject=event.subject,
            order_id=strawberry.ID(order_id(event.order_id)) if event.order_id else None,
            before=_json(event.before),
            after=_json(event.after),
            reason=event.reason,
            address=event.address,
            session_id=strawberry.ID(session_id(event.session_id)) if event.session_id else None,
        )


def _json(values: Mapping[str, Any] | None) -> str | None:
    return None if values is None else json.dumps(values, ensure_ascii=False, sort_keys=True)


@strawberry.type
class Queries:
    """Queries of the audit log."""

    @field(
        "Sign-ins, refusals, accounts, tokens, overrides by staff, settings, stock and catalogue, newest first."
        " For managers and support.",
        needs=AuditPermission.READ_AUDIT,
    )
    async def audit_trail(
        self,
        info: Info,
        filter: AuditFilter | None = None,  # noqa: A002 - as other lists call it
        first: int | None = PAGE,
        after: str | None = None,
    ) -> Connection[AuditEvent]:
        context = info.context
        conditions = filter.conditions() if filter else queries.AuditFilter()
        page = await queries.audit_log(context.db, context.viewer, conditions, first=size(first), after=after)
        return connection(page, after=after, cursor=lambda event: event.cursor, node=AuditEvent.of)
