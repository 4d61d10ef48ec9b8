"""An entry of the audit log. Entries are never changed, so they must not contain personal data."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final
from uuid import UUID

from oms.domain.vocabulary.actor import Actor, Role
from oms.domain.vocabulary.audit_action import AuditAction

OPERATOR: Final = Actor("operator")
"""The actor of commands of `python -m oms`; the system does not know which person runs them."""

OVERRIDING: Final = frozenset({Role.MANAGER, Role.SUPPORT})
"""Roles for whom acting on an order is an override; for the others it is the normal course of an order."""


@dataclass(frozen=True, slots=True)
class Entry:
    """What happened. Who did it and when is added when it is recorded.

    `subject`: an id, a code, or a pseudonym such as `account:…`; never a name, an e-mail address or another person's
    words. `before` and `after` hold JSON values. If an order's event describes all of this, `order_id` and `seq` name
    it and the rest is left out; `seq` without an order names an event of the fraud settings.
    """

    action: AuditAction
    subject: str = ""
    before: Mapping[str, Any] | None = None
    after: Mapping[str, Any] | None = None
    reason: str | None = None
    order_id: UUID | None = None
    seq: int | None = None
