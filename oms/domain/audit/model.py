"""What the audit trail holds. It can never be changed, so it must never hold personal data."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Final
from uuid import UUID

from oms.domain.vocabulary.actor import Actor, Role

OPERATOR: Final = Actor("operator")
"""Whoever runs commands of `python -m oms` on the server: known to the machine they signed in to, not to us."""

OVERRIDING: Final = frozenset({Role.MANAGER, Role.SUPPORT})
"""Roles for whom acting on an order is an override; for the others it is how orders go."""


class AuditAction(StrEnum):
    """Stable past-tense names of what is recorded."""

    SignedIn = "SignedIn"
    SignInFailed = "SignInFailed"
    SignedOut = "SignedOut"
    SessionsEnded = "SessionsEnded"
    OperationRefused = "OperationRefused"

    AccountCreated = "AccountCreated"
    AccountChanged = "AccountChanged"
    AccountClosed = "AccountClosed"
    RoleChanged = "RoleChanged"
    PasswordChanged = "PasswordChanged"
    TokenIssued = "TokenIssued"
    TokenRevoked = "TokenRevoked"

    OrderCancelled = "OrderCancelled"
    ShipmentFailed = "ShipmentFailed"
    WorkRetried = "WorkRetried"
    WorkGivenUp = "WorkGivenUp"

    FraudSettingsChanged = "FraudSettingsChanged"
    ProductChanged = "ProductChanged"
    WarehouseChanged = "WarehouseChanged"
    StockSet = "StockSet"
    CatalogLoaded = "CatalogLoaded"

    CustomerExported = "CustomerExported"
    CustomerErased = "CustomerErased"


@dataclass(frozen=True, slots=True)
class Entry:
    """What is recorded, beside who did it and when.

    `subject` is an id, a code, or a pseudonym such as `account:…`: never a name, an e-mail or another's own text.
    `before` and `after` hold JSON values. Where an order's own trail tells all of this, `order_id` and `seq` name its
    event and the rest is left out; `seq` without an order names one of the fraud settings' trail.
    """

    action: AuditAction
    subject: str = ""
    before: Mapping[str, Any] | None = None
    after: Mapping[str, Any] | None = None
    reason: str | None = None
    order_id: UUID | None = None
    seq: int | None = None
