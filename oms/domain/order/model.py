"""An order with its shipments: the thing that is loaded, decided about and saved as one."""

from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any, Final
from uuid import UUID

from oms.domain.order.payment import PAYMENT, Payment, PaymentStatus
from oms.domain.order.shipment import SHIPMENT, Shipment, ShipmentStatus
from oms.domain.vocabulary.actor import Actor
from oms.domain.vocabulary.events import Event
from oms.domain.vocabulary.events import EventType as E
from oms.domain.vocabulary.machine import Machine


class OrderStatus(StrEnum):
    """The contract's; what each means stands there."""

    PENDING = "PENDING"
    CUSTOMER_ACTION_REQUIRED = "CUSTOMER_ACTION_REQUIRED"
    PROCESSING = "PROCESSING"
    COMPLETED = "COMPLETED"
    FAILED = "FAILED"
    CANCELLED = "CANCELLED"
    TIMED_OUT = "TIMED_OUT"


O = OrderStatus  # noqa: E741 - reads as the table's column head

ORDER: Final = Machine[OrderStatus](
    "order",
    {
        (None, E.OrderPlaced): O.PENDING,
        (O.PENDING, E.ItemsAllocated): O.PROCESSING,
        (O.PENDING, E.ItemsUnavailable): O.CUSTOMER_ACTION_REQUIRED,
        (O.PENDING, E.OrderCancelled): O.CANCELLED,
        (O.CUSTOMER_ACTION_REQUIRED, E.AmendmentAccepted): O.PROCESSING,
        (O.CUSTOMER_ACTION_REQUIRED, E.OrderCancelled): O.CANCELLED,
        (O.CUSTOMER_ACTION_REQUIRED, E.OrderTimedOut): O.TIMED_OUT,
        (O.PROCESSING, E.OrderCancelled): O.CANCELLED,
        (O.PROCESSING, E.OrderCompleted): O.COMPLETED,
        (O.PROCESSING, E.OrderFailed): O.FAILED,
    },
)


@dataclass(slots=True)
class Line:
    """`unit_price_minor` was fixed when the order was placed."""

    number: int
    sku: str
    quantity: int
    unit_price_minor: int
    unavailable: int = 0


@dataclass(slots=True)
class Order:
    """`news` holds what was recorded since it was loaded; saving writes it and everything that follows from it.

    `lines` is empty where the loader was not asked for them.
    """

    id: UUID
    reference: str
    customer_id: UUID
    customer_reference: str
    currency: str
    payment_method: str
    email: str | None
    shipping_address: dict[str, str | None] | None
    status: OrderStatus
    placed_at: datetime
    closed_at: datetime | None = None
    action_deadline: datetime | None = None
    last_seq: int = 0
    lines: list[Line] = field(default_factory=list)
    shipments: list[Shipment] = field(default_factory=list)
    news: list[Event] = field(default_factory=list)

    @property
    def is_final(self) -> bool:
        return self.status in ORDER.final

    @property
    def was_dispatched(self) -> bool:
        """Whether any shipment was ever picked up: from then on the order can't be cancelled."""
        return any(shipment.dispatched_at for shipment in self.shipments)

    @property
    def total_minor(self) -> int | None:
        """Over shipments neither cancelled nor failed; None while there is none, or one of them has no invoice."""
        ended = (ShipmentStatus.CANCELLED, ShipmentStatus.FAILED)
        invoices = [shipment.payment.invoice for shipment in self.shipments if shipment.status not in ended]
        issued = [invoice.total_minor for invoice in invoices if invoice]
        return sum(issued) if issued and len(issued) == len(invoices) else None

    def shipment(self, number: int) -> Shipment | None:
        """The shipment of that number; None for another order's, and for 0, which stands for the order itself."""
        return self.shipments[number - 1] if 1 <= number <= len(self.shipments) else None

    def place(self, *, by: Actor, at: datetime) -> None:
        """The first entry of its trail."""
        self.status = ORDER.after(None, E.OrderPlaced)
        self._note(E.OrderPlaced, by, at, None, None, {"to": str(self.status)})

    def record(self, event: E, *, by: Actor, at: datetime, reason: str | None = None, **data: Any) -> None:
        """Something happened to the order itself. Raises Refused(CONFLICT) where its table does not allow it."""
        before, after = self.status, ORDER.after(self.status, event)
        self.status = after
        if self.is_final:
            self.closed_at = at
        self._note(event, by, at, reason, None, _moved(before, after) | data)

    def record_for(
        self, shipment: Shipment, event: E, *, by: Actor, at: datetime, reason: str | None = None, **data: Any
    ) -> None:
        """Something happened to one of its shipments or that one's payment: both tables are asked first."""
        before = shipment.status
        status, payment = SHIPMENT.after(before, event), PAYMENT.after(shipment.payment.status, event)
        shipment.status, shipment.payment.status, shipment.updated_at = status, payment, at
        self._note(event, by, at, reason, shipment.number, _moved(before, status) | data)

    def open_shipment(self, warehouse_code: str, at: datetime) -> Shipment:
        """The next shipment of an order that is being allocated; the event that allocates is recorded after it."""
        shipment = Shipment(
            self.id,
            len(self.shipments) + 1,
            warehouse_code,
            ShipmentStatus.PENDING,
            Payment(PaymentStatus.PENDING),
            (),
            at,
        )
        self.shipments.append(shipment)
        return shipment

    def _note(
        self,
        event: E,
        by: Actor,
        at: datetime,
        reason: str | None,
        shipment: int | None,
        data: dict[str, Any],
    ) -> None:
        self.last_seq += 1
        self.news.append(Event(self.last_seq, event, at, by, reason, shipment, data))


def _moved(before: StrEnum, after: StrEnum) -> dict[str, Any]:
    return {} if before == after else {"from": str(before), "to": str(after)}
