"""Who calls, and what each role may do: the one table of operations and roles. What is not in it is denied."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from oms.domain.actor import Actor, Role
from oms.domain.refusal import Code, refused


@dataclass(frozen=True, slots=True)
class Viewer:
    """An authenticated caller; a CUSTOMER is tied to the customer of `customer_reference`.

    `credential` tells apart who calls, as `account:…` for a person and `token:…` for a machine: what is counted,
    limited and remembered by caller goes by it. `scope` holds the operations that a token was issued for; None: all
    that its role may do.
    """

    name: str
    role: Role
    customer_reference: str | None = None
    credential: str = ""
    scope: "frozenset[Operation] | None" = None

    @property
    def principal(self) -> str:
        """One caller, the same in every request. Who was made by the product itself goes by role and name."""
        return self.credential or f"{self.role} {self.customer_reference or ''} {self.name}"

    @property
    def actor(self) -> Actor:
        return Actor(self.name, self.role)

    def owns(self, customer_reference: str) -> bool:
        """Whether what belongs to that customer concerns the viewer: customers see their own, others all."""
        return self.role != Role.CUSTOMER or self.customer_reference == customer_reference


class Operation(StrEnum):
    """What a role is allowed to do or not; the value completes "you can't …"."""

    PLACE_ORDER = "place an order"
    SET_PRICE = "set a price in an order"
    ORDER_FOR_OTHERS = "order for any customer"
    READ_ORDERS = "list orders"
    READ_ORDER = "read an order"
    READ_MONEY = "see prices, payments, customers and e-mail"
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
    MEND_WORK = "retry or give up parked work"
    READ_STOCK = "see stock"
    READ_CATALOG = "see the catalogue"
    READ_WAREHOUSES = "list warehouses"
    SET_CATALOG = "change the catalogue and stock"


R = Role
O = Operation  # noqa: E741 - reads as the table's column head

ALLOWED: Final[Mapping[Operation, frozenset[Role]]] = {
    O.PLACE_ORDER: frozenset({R.CUSTOMER, R.SERVICE}),
    O.SET_PRICE: frozenset({R.SERVICE}),
    O.ORDER_FOR_OTHERS: frozenset({R.SERVICE}),
    O.READ_ORDERS: frozenset({R.CUSTOMER, R.MANAGER, R.SUPPORT, R.SERVICE}),
    O.READ_ORDER: frozenset(R),
    O.READ_MONEY: frozenset({R.CUSTOMER, R.MANAGER, R.SUPPORT, R.SERVICE}),
    O.READ_SHIPMENTS: frozenset(R),
    O.COUNT_SHIPMENTS: frozenset({R.COURIER, R.MANAGER, R.SUPPORT}),
    O.ACCEPT_AMENDMENT: frozenset({R.CUSTOMER, R.SERVICE}),
    O.CANCEL_ORDER: frozenset({R.CUSTOMER, R.MANAGER, R.SUPPORT, R.SERVICE}),
    O.DISPATCH: frozenset({R.COURIER}),
    O.DELIVER: frozenset({R.COURIER}),
    O.FAIL_SHIPMENT: frozenset({R.COURIER, R.MANAGER, R.SUPPORT}),
    O.READ_FRAUD: frozenset({R.MANAGER, R.SUPPORT}),
    O.SET_FRAUD: frozenset({R.MANAGER}),
    O.READ_OPERATIONS: frozenset({R.MANAGER, R.SUPPORT}),
    O.READ_AUDIT: frozenset({R.MANAGER, R.SUPPORT}),
    O.MEND_WORK: frozenset({R.SUPPORT}),
    O.READ_STOCK: frozenset({R.MANAGER, R.SUPPORT, R.SERVICE}),
    O.READ_WAREHOUSES: frozenset(R),
    O.READ_CATALOG: frozenset({R.CUSTOMER, R.MANAGER, R.SUPPORT, R.SERVICE}),
    O.SET_CATALOG: frozenset({R.MANAGER, R.SERVICE}),
}


def may(viewer: Viewer, operation: Operation) -> bool:
    """Whether the role allows it, and the token, if one was shown, was issued for it."""
    in_scope = viewer.scope is None or operation in viewer.scope
    return in_scope and viewer.role in ALLOWED.get(operation, frozenset())


def require(viewer: Viewer, operation: Operation) -> None:
    """Raises Refused(FORBIDDEN) unless the viewer's role may do it."""
    if not may(viewer, operation):
        roles = ", ".join(sorted(ALLOWED.get(operation, ())))
        raise refused(Code.FORBIDDEN, f"As {viewer.role} you can't {operation}; that needs one of: {roles}.")
