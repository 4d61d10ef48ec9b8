"""An access token as it is listed. The token itself can't be shown again."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from oms.domain.vocabulary.actor import Role
from oms.domain.vocabulary.permission import Permission


@dataclass(frozen=True, slots=True)
class NewToken:
    """Input for a new token. `scope`: the only permissions that it has, `warehouses`: of a COURIER; None: all."""

    role: Role
    name: str
    customer_reference: str | None = None
    scope: frozenset[Permission] | None = None
    warehouses: frozenset[str] | None = None


@dataclass(frozen=True, slots=True)
class AccessToken:
    """An issued token. `scope`: names of permissions, some of which may not exist any more.

    `previous_until`: until when the secret before the last rotation works.
    """

    id: UUID
    name: str
    role: Role
    customer_reference: str | None
    scope: frozenset[str] | None
    warehouses: frozenset[str] | None
    created_at: datetime
    expires_at: datetime | None
    previous_until: datetime | None
    revoked_at: datetime | None
