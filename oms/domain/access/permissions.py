"""Who calls, and what each role may do with whose things: the one table. What is not in it is denied."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Final
from uuid import UUID

from oms.domain.vocabulary.actor import Actor, Role
from oms.domain.vocabulary.errors import Code, Refused, refused


@dataclass(frozen=True, slots=True)
class Viewer:
    """An authenticated caller; a CUSTOMER is tied to the customer of `customer_reference`.

    `principal` is one caller, the same in every request: `account:…` for a person, `token:…` for a machine, role and
    name for who was made by the product itself. What is counted, limited and remembered by caller goes by it. `scope`
    holds the operations that a token was issued for; None: all that its role may do. `session_id` is the session in
    which a person acts.
    """

    name: str
    role: Role
    customer_reference: str | None = None
    principal: str = ""
    scope: "frozenset[Operation] | None" = None
    session_id: UUID | None = None

    def __post_init__(self) -> None:
        if not self.principal:
            object.__setattr__(self, "principal", f"{self.role} {self.customer_reference or ''} {self.name}")

    @property
    def is_person(self) -> bool:
        """Whether somebody signed in; machines show a token."""
        return self.principal.startswith("account:")

    @property
    def actor(self) -> Actor:
        """As trails name them, which are never changed: customers, who may ask to be forgotten, by their role only."""
        return Actor("customer" if self.role == Role.CUSTOMER else self.name, self.role)


class Reach(StrEnum):
    """How far an operation goes: with whose things a role may do it."""

    OWN = "their own"
    CARRIED = "what couriers carry"
    ALL = "all"


class Operation(StrEnum):
    """What a role is allowed to do or not; the value completes "you can't …"."""

    PLACE_ORDER = "place an order"
    SET_PRICE = "set a price in an order"
    READ_ORDERS = "list orders"
    READ_ORDER = "read an order and its shipments"
    READ_MONEY = "see prices and payments"
    READ_CUSTOMER = "see customers and their e-mail"
    READ_SHIPMENTS = "list shipments"
    COUNT_SHIPMENTS = "count shipments"
    ACCEPT_AMENDMENT = "accept an amended order"
    CANCEL_ORDER = "cancel an order"
    DISPATCH = "dispatch a shipment"
    DELIVER = "deliver a shipment"
    FAIL_SHIPMENT = "report a shipment as failed"
    READ_FRAUD = "see the fraud settings"
    SET_FRAUD = "change the fraud settings"
    READ_OPERATIONS = "see how the system runs"
    READ_AUDIT = "read the audit trail"
    ERASE_CUSTOMER = "export or erase what is held about a customer"
    MEND_WORK = "retry or give up parked work"
    READ_STOCK = "see stock"
    READ_CATALOG = "see the catalogue"
    READ_WAREHOUSES = "list warehouses"
    SET_CATALOG = "change the catalogue and stock"
    READ_SCHEMA = "ask for the schema itself"


O = Operation  # noqa: E741 - reads as the table's column head

_CUSTOMER: Final = {Role.CUSTOMER: Reach.OWN}
_COURIER: Final = {Role.COURIER: Reach.CARRIED}
_MANAGER: Final = {Role.MANAGER: Reach.ALL}
_SUPPORT: Final = {Role.SUPPORT: Reach.ALL}
_SERVICE: Final = {Role.SERVICE: Reach.ALL}
_STAFF: Final = _MANAGER | _SUPPORT
_NOT_COURIERS: Final = _CUSTOMER | _STAFF | _SERVICE
_EVERYBODY: Final = _NOT_COURIERS | _COURIER

ALLOWED: Final[Mapping[Operation, Mapping[Role, Reach]]] = {
    O.PLACE_ORDER: _CUSTOMER | _SERVICE,
    O.SET_PRICE: _SERVICE,
    O.READ_ORDERS: _NOT_COURIERS,
    O.READ_ORDER: _EVERYBODY,
    O.READ_MONEY: _NOT_COURIERS,
    O.READ_CUSTOMER: _NOT_COURIERS,
    O.READ_SHIPMENTS: _EVERYBODY,
    O.COUNT_SHIPMENTS: _COURIER | _STAFF,
    O.ACCEPT_AMENDMENT: _CUSTOMER | _SERVICE,
    O.CANCEL_ORDER: _NOT_COURIERS,
    O.DISPATCH: _COURIER,
    O.DELIVER: _COURIER,
    O.FAIL_SHIPMENT: _COURIER | _STAFF,
    O.READ_FRAUD: _STAFF,
    O.SET_FRAUD: _MANAGER,
    O.READ_OPERATIONS: _STAFF,
    O.READ_AUDIT: _STAFF,
    O.ERASE_CUSTOMER: _MANAGER,
    O.MEND_WORK: _SUPPORT,
    O.READ_STOCK: _STAFF | _SERVICE,
    O.READ_WAREHOUSES: dict.fromkeys(Role, Reach.ALL),
    O.READ_CATALOG: dict.fromkeys(set(Role) - {Role.COURIER}, Reach.ALL),
    O.SET_CATALOG: _MANAGER | _SERVICE,
    O.READ_SCHEMA: _STAFF,
}
"""Customers reach their own, couriers what they carry, the others all. What belongs to nobody is whole for each."""


def reach(viewer: Viewer, operation: Operation) -> Reach | None:
    """How far the role goes in it; None: not at all, or not with the token shown, which was issued for other things."""
    if viewer.scope is not None and operation not in viewer.scope:
        return None
    return ALLOWED.get(operation, {}).get(viewer.role)


def may(viewer: Viewer, operation: Operation) -> bool:
    """Whether the role allows it at all, and the token, if one was shown, was issued for it."""
    return reach(viewer, operation) is not None


def may_for(viewer: Viewer, operation: Operation, customer_reference: str) -> bool:
    """Whether the viewer may do it with what belongs to that customer."""
    match reach(viewer, operation):
        case Reach.ALL:
            return True
        case Reach.OWN:
            return viewer.customer_reference == customer_reference
    return False


def require(viewer: Viewer, operation: Operation) -> None:
    """Raises Refused(FORBIDDEN) unless the viewer's role, and the token shown, allow it."""
    if not may(viewer, operation):
        raise forbidden(viewer, operation)


def forbidden(viewer: Viewer, operation: Operation) -> Refused:
    """What a viewer is told who may not: because of the role, or of the token shown."""
    roles = ALLOWED.get(operation, {})
    if viewer.role in roles:
        return refused(Code.FORBIDDEN, f"With this token you can't {operation}: it was issued for other things.")
    needed = ", ".join(sorted(roles))
    return refused(Code.FORBIDDEN, f"As {viewer.role} you can't {operation}; that needs one of: {needed}.")
