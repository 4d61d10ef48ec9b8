"""The domain's statuses and roles under the names and descriptions of the contract."""

from collections.abc import Mapping
from enum import StrEnum
from typing import TypeVar

import strawberry

from oms.domain.order.model import OrderStatus
from oms.domain.order.shipment import ShipmentStatus
from oms.domain.order_queries.lists import OrderSort
from oms.domain.vocabulary.actor import Role
from oms.domain.vocabulary.errors import Code

__all__ = ["Code", "OrderSort", "OrderStatus", "Role", "ShipmentStatus", "described"]

E = TypeVar("E", bound=StrEnum)


def described(enum: type[E], name: str, descriptions: Mapping[E, str]) -> type[E]:
    """The domain's enum as the schema's, member by member, with the contract's descriptions."""
    strawberry.enum(enum, name=name)
    for value in enum.__strawberry_definition__.values:  # type: ignore[attr-defined]  # set by the line above
        value.description = descriptions.get(enum(value.value))
    return enum


described(
    OrderStatus,
    "OrderStatus",
    {
        OrderStatus.PENDING: "Accepted and durable; items not yet allocated.",
        OrderStatus.CUSTOMER_ACTION_REQUIRED: (
            "Some items are in no warehouse: the order was amended and waits for the customer until actionDeadline."
        ),
        OrderStatus.PROCESSING: "Shipments are being charged, booked, dispatched and delivered.",
        OrderStatus.COMPLETED: ("Every shipment that was not cancelled or failed is delivered, and at least one is."),
        OrderStatus.FAILED: "No shipment could be carried out, e.g. every charge was declined.",
        OrderStatus.CANCELLED: "Cancelled by the customer or by staff.",
        OrderStatus.TIMED_OUT: (
            "The customer did not answer an amended order in time; all its shipments are cancelled."
        ),
    },
)
described(
    OrderSort,
    "OrderSort",
    {
        OrderSort.NEWEST_FIRST: "By when they were placed, the newest first.",
        OrderSort.WAITING_LONGEST: (
            "Open ones first, those placed first before the others;"
            " then closed ones, those closed last before the others."
        ),
    },
)
described(
    ShipmentStatus,
    "ShipmentStatus",
    {
        ShipmentStatus.PENDING: "Allocated in one warehouse; not yet paid and booked.",
        ShipmentStatus.BOOKED: "Charged, and a courier has accepted to deliver it.",
        ShipmentStatus.DISPATCHED: "Picked up at the warehouse by the courier.",
        ShipmentStatus.DELIVERED: "Handed to the customer.",
        ShipmentStatus.FAILED: (
            "Its charge was declined, no courier would take it, or it was reported lost or undeliverable;"
            " any charge is refunded, and its stock released unless it had left."
        ),
        ShipmentStatus.CANCELLED: ("Cancelled before dispatch; its stock is released and any charge refunded."),
    },
)
described(Role, "Role", {Role.SERVICE: "A machine client such as the shopping cart."})
described(
    Code,
    "ErrorCode",
    {
        Code.CONFLICT: "The state does not allow it, e.g. delivering what was never dispatched.",
        Code.DUPLICATE: "The same reference was used before for a different order.",
    },
)
