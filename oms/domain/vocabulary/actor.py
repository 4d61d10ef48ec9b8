"""Who acts: a person or client in a role, or the system itself."""

from dataclasses import dataclass
from enum import StrEnum


class Role(StrEnum):
    """The contract's roles (domain.md, "Who uses it")."""

    CUSTOMER = "CUSTOMER"
    COURIER = "COURIER"
    MANAGER = "MANAGER"
    SUPPORT = "SUPPORT"
    SERVICE = "SERVICE"


@dataclass(frozen=True, slots=True)
class Actor:
    """As events name who acted. Without a role it was the system, and the name is the queue's."""

    name: str
    role: Role | None = None
