"""The audit log."""

import json
from collections.abc import Mapping
from enum import StrEnum
from typing import TYPE_CHECKING, Any, Self

import strawberry

from oms.domain.audit import queries
from oms.domain.concepts import REGISTRY
from oms.domain.vocabulary.ids import order_id
from oms.schema.runtime.connections import PAGE, Connection, connection, size
from oms.schema.runtime.context import Info
from oms.schema.runtime.enums import Role, described
from oms.schema.runtime.fields import field
from oms.schema.runtime.scalars import Instant

if TYPE_CHECKING:
    AuditAction = str
else:
    AuditAction = described(
        StrEnum("AuditAction", {name: name for name in REGISTRY.audit_actions}),
        "AuditAction",
        {
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
    subject: str | None = strawberry.field(default=None, description="An id or a code, whole.")
    since: Instant | None = None
    before: Instant | None = None

    def conditions(self) -> queries.AuditFilter:
        action = REGISTRY.audit_actions[self.action] if self.action else None
        return queries.AuditFilter(self.actor or None, action, self.subject or None, self.since, self.before)


@strawberry.type
class AuditEvent:
    """One thing that somebody did or tried."""

    at: Instant
    actor: str = strawberry.field(description="A name; customers go by their role, whoever runs commands as operator.")
    actor_role: Role | None
    principal: str = strawberry.field(description="The same caller each time: account:…, token:….")
    action: AuditAction
    subject: str = strawberry.field(description="An id, a code or a principal: what or whom it was done to.")
    order_id: strawberry.ID | None = strawberry.field(description="Where it was done to an order.")
    before: str | None = strawberry.field(description="What was changed, as JSON.")
    after: str | None = strawberry.field(description="What it was changed to, as JSON.")
    reason: str | None

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
        )


def _json(values: Mapping[str, Any] | None) -> str | None:
    return None if values is None else json.dumps(values, ensure_ascii=False, sort_keys=True)


@strawberry.type
class AuditQueries:
    """Reading the audit log."""

    @field(
        "Sign-ins, refusals, accounts, tokens, overrides by staff, settings, stock and catalogue, newest first."
        " For managers and support."
    )
    async def audit_trail(
        self,
        info: Info,
        filter: AuditFilter | None = None,  # noqa: A002 - as other lists call it
        first: int | None = PAGE,
        after: str | None = None,
    ) -> Connection[AuditEvent]:
        context = info.context
        only = filter.conditions() if filter else queries.AuditFilter()
        page = await queries.audit_log(context.db, context.viewer, only, first=size(first), after=after)
        return connection(page, after=after, cursor=lambda event: event.cursor, node=AuditEvent.of)
