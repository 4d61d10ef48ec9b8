"""The audit log."""

import json
from collections.abc import Mapping
from enum import StrEnum
from typing import TYPE_CHECKING, Annotated, Any, Self

import strawberry

from oms.domain.audit import queries
from oms.domain.audit.policy import AuditPermission
from oms.domain.audit.sentences import sentence_of
from oms.domain.concepts import REGISTRY
from oms.domain.vocabulary.audit_action import constant_case
from oms.domain.vocabulary.ids import order_id, session_id
from oms.domain.vocabulary.wording import said
from oms.platform.locale.language import gettext
from oms.platform.locale.money import money_text
from oms.schema.runtime.connections import PAGE, After, Connection, First, connection, size
from oms.schema.runtime.context import Info
from oms.schema.runtime.enums import Role, described
from oms.schema.runtime.fields import argument, attribute, field, input_type, object_type
from oms.schema.runtime.scalars import Instant

if TYPE_CHECKING:
    AuditAction = str
else:
    AuditAction = described(
        StrEnum("AuditAction", {constant_case(name): name for name in REGISTRY.audit_actions}),
        "AuditAction",
        "What an entry of the audit log is about.",
        {name: action.meaning for name, action in REGISTRY.audit_actions.items()},
    )


@input_type
class AuditFilter:
    """All conditions given must hold."""

    actor: str | None = attribute(default=None, description="A name, or a principal such as token:….")
    action: AuditAction | None = attribute("Only entries of this kind.", default=None)
    subject: str | None = attribute(default=None, description="A whole id or code.")
    since: Instant | None = attribute("Inclusive.", default=None)
    before: Instant | None = attribute("Exclusive.", default=None)

    def conditions(self) -> queries.AuditFilter:
        action = REGISTRY.audit_actions[self.action] if self.action else None
        return queries.AuditFilter(self.actor or None, action, self.subject or None, self.since, self.before)


@object_type(needs=AuditPermission.READ_AUDIT)
class AuditEvent:
    """Something that somebody did or tried."""

    at: Instant = attribute("When it happened.")
    actor: str = attribute("A name; for customers their role, for people who run commands 'operator'.")
    actor_role: Role | None = attribute("Null for the operator and for sign-ins that failed.")
    principal: str = attribute("Identifies the caller in all requests: account:…, token:….")
    action: AuditAction = attribute("What was done or tried.")
    subject: str = attribute("An id, a code or a principal: what or whom it concerns.")
    subject_name: str = attribute("The name of an account, token, customer or order; else the subject itself.")
    summary: str = attribute("One sentence for a person, with names.")
    order_id: strawberry.ID | None = attribute("If it concerns an order.")
    before: str | None = attribute("The old values, as JSON.")
    after: str | None = attribute("The new values, as JSON.")
    reason: str | None = attribute("Why, where the actor had to say.")
    address: str | None = attribute("The network address of a person who did it; kept for some days.")
    session_id: strawberry.ID | None = attribute("The session in which a person did it.")

    @classmethod
    def of(cls, event: queries.AuditEvent, currency: str) -> Self:
        """`currency`: of amounts that name none."""
        order, subject = order_id(event.order_id) if event.order_id else "", event.subject
        after = {name: event.names.get(str(value), value) for name, value in (event.after or {}).items()}
        sentence = sentence_of(
            event.action,
            who=event.by.name,
            subject=event.names.get(subject, subject),
            order=event.names.get(order),
            before=event.before,
            after=after,
            currency=currency,
        )
        return cls(
            at=Instant(event.at),
            actor=event.by.name,
            actor_role=event.by.role,
            principal=event.principal,
            action=AuditAction(str(event.action)),
            subject=subject,
            subject_name=event.names.get(subject, subject),
            summary=said(sentence, gettext, money_text),
            order_id=strawberry.ID(order) if order else None,
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
        filter: Annotated[AuditFilter | None, argument("Without it all entries.")] = None,  # noqa: A002 - as other lists call it
        first: First = PAGE,
        after: After = None,
    ) -> Connection[AuditEvent]:
        context = info.context
        conditions = filter.conditions() if filter else queries.AuditFilter()
        page = await queries.audit_log(context.db, context.viewer, conditions, first=size(first), after=after)
        return connection(
            page,
            after=after,
            cursor=lambda event: event.cursor,
            node=lambda event: AuditEvent.of(event, context.currency),
        )
