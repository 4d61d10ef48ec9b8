"""Who calls, and what they may do. Every check of a permission is made here."""

from dataclasses import dataclass, field
from uuid import UUID

from oms.domain.vocabulary.actor import Actor, Role
from oms.domain.vocabulary.errors import AccessReason, Refused, refused
from oms.domain.vocabulary.permission import STAFF, Permission, Reach
from oms.domain.vocabulary.wording import wording


class SchemaPermission(Permission):
    """Permissions on the API itself."""

    READ_SCHEMA = "read the schema by introspection", STAFF


@dataclass(frozen=True, slots=True)
class Carries:
    """Which shipments a courier reaches: those that leave from `warehouses`, None: from all; ended ones for some days.

    `ended_days` 0: for ever.
    """

    warehouses: frozenset[str] | None = None
    ended_days: int = 0


@dataclass(frozen=True, slots=True)
class Viewer:
    """An authenticated caller; a CUSTOMER is tied to the customer of `customer_reference`.

    `principal` identifies the caller in every request: `account:…` for a person, `token:…` for a machine, role and
    name for callers made by the product itself. Rate limits, idempotency keys and the audit log use it.
    `scope`: the permissions that a token was issued for; None: all permissions of its role. `session_id`: the session
    in which a person acts; `address`: from where, for the audit log. `carries`: what a COURIER reaches.
    `language`, `time_zone`: what a person prefers; None: what the browser does.
    """

    name: str
    role: Role
    customer_reference: str | None = None
    principal: str = ""
    scope: frozenset[Permission] | None = None
    session_id: UUID | None = None
    carries: Carries = Carries()
    address: str | None = field(default=None, compare=False)
    language: str | None = field(default=None, compare=False)
    time_zone: str | None = field(default=None, compare=False)

    def __post_init__(self) -> None:
        if not self.principal:
            object.__setattr__(self, "principal", f"{self.role} {self.customer_reference or ''} {self.name}")

    @property
    def is_person(self) -> bool:
        """Whether a person signed in; machines send a token."""
        return self.principal.startswith("account:")

    @property
    def actor(self) -> Actor:
        """As event logs name the viewer. They are never changed and customers may ask for erasure: role only."""
        return Actor("customer" if self.role == Role.CUSTOMER else self.name, self.role)


def reach(viewer: Viewer, permission: Permission) -> Reach | None:
    """On whose data the viewer may do it; None: not at all, or not with this token."""
    if viewer.scope is not None and permission not in viewer.scope:
        return None
    return permission.reach.get(viewer.role)


def may(viewer: Viewer, permission: Permission) -> bool:
    """Whether the viewer's role, and the scope of their token, allow it at all."""
    return reach(viewer, permission) is not None


def may_for(viewer: Viewer, permission: Permission, customer_reference: str) -> bool:
    """Whether the viewer may do it with data of that customer."""
    match reach(viewer, permission):
        case Reach.ALL:
            return True
        case Reach.OWN:
            return viewer.customer_reference == customer_reference
    return False


def require(viewer: Viewer, permission: Permission) -> None:
    """Raises Refused(FORBIDDEN) unless the viewer's role and the scope of their token allow it."""
    if not may(viewer, permission):
        raise forbidden(viewer, permission)


def forbidden(viewer: Viewer, permission: Permission) -> Refused:
    """The refusal for a viewer whose role or token does not allow it."""
    if viewer.role in permission.reach:
        message = wording(
            "With this token you can't {permission}: it was issued for other operations.",
            permission=wording(str(permission)),
        )
        return refused(AccessReason.TOKEN_NOT_ALLOWED, message)
    needed = ", ".join(sorted(permission.reach))
    message = wording(
        "As {role} you can't {permission}; that needs one of: {needed}.",
        role=viewer.role,
        permission=wording(str(permission)),
        needed=needed,
    )
    return refused(AccessReason.ROLE_NOT_ALLOWED, message)
