"""A bearer token as those see it who mind them: everything but the token itself, which nobody can see again."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from oms.domain.vocabulary.actor import Role
from oms.domain.vocabulary.permission import Permission


@dataclass(frozen=True, slots=True)
class NewToken:
    """What a token is issued for. `scope`: the only operations it may be used for; None: all of its role's."""

    role: Role
    name: str
    customer_reference: str | None = None
    scope: frozenset[Permission] | None = None


@dataclass(frozen=True, slots=True)
class AccessToken:
    """An issued token. `scope` holds the names of operations, among them such as this program may not know."""

    id: UUID
    name: str
    role: Role
    customer_reference: str | None
    scope: frozenset[str] | None
    created_at: datetime
    expires_at: datetime | None
    revoked_at: datetime | None
