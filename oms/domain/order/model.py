"""The order aggregate: an order with its lines and shipments is loaded, changed and saved as one."""

from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any, Final
from uuid import UUID

from oms.domain.order.details import NO_DETAILS, OrderDetails
from oms.domain.order.events import SHIPMENT_PART
from oms.domain.order.events import OrderEvent as E
from oms.domain.order.payment import PAYMENT, Payment, PaymentStatus
from oms.domain.order.policy import OrderReason
from oms.domain.order.shipment import ENDED, SHIPMENT, Shipment, ShipmentStatus
from oms.domain.vocabulary.actor import Actor
from oms.domain.vocabulary.events import ITSELF, Event, EventType, moved, part
from oms.domain.vocabulary.machine import Command, Machine, Shape, StatusText


class OrderStatus(StrEnum):
    """The contract's; the machine's texts say what each means."""

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
    commands={
        E.AmendmentAccepted: Command("accepted", OrderReason.NOT_AWAITING_ACCEPTANCE),
        E.OrderCancelled: Command("cancelled", OrderReason.NOT_CANCELLABLE),
    },
    texts={
        O.PENDING: StatusText(
            "Accepted and durable; items not yet allocated.",
            "Received",
            Shape.NEW,
            "We are checking that everything is in stock. It takes seconds, and this page follows by itself.",
        ),
        O.CUSTOMER_ACTION_REQUIRED: StatusText(
            "Some items are in no warehouse: the order was amended and waits for the customer until actionDeadline.",
            "Awaiting customer",
            Shape.ASK,
            "We are waiting for your answer. Nothing is charged before that.",
            "We need your answer",
        ),
        O.PROCESSING: StatusText(
            "Shipments are being charged, booked, dispatched and delivered.",
            "Processing",
            Shape.MOVE,
            "This page follows each parcel by itself.",
            "In progress",
        ),
        O.COMPLETED: StatusText(
            "Every shipment that was not cancelled or failed is delivered, and at least one is.",
            "Completed",
            Shape.DONE,
            "Everything that we could send has arrived.",
            "Delivered",
        ),
        O.FAILED: StatusText(
            "No shipment could be carried out, e.g. every charge was declined.",
            "Failed",
            Shape.FAIL,
            "No parcel could be sent or delivered. You pay nothing; what was paid comes back to you.",
            "Could not be sent",
        ),
        O.CANCELLED: StatusText(
            "Cancelled by the customer or by staff.",
            "Cancelled",
            Shape.STOP,
            "Nothing more is sent, and you get back what you paid.",
        ),
        O.TIMED_OUT: StatusText(
            "The customer did not answer an amended order in time; all its shipments are cancelled.",
            "Timed out",
            Shape.STOP,
            "We had no answer in time. You pay nothing.",
            "Ended without an answer",
        ),
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
    """`new_events` were recorded since it was loaded; saving writes them and everything that follows from them.

    `reference` is unique in the shop. `own_reference`: what its customer calls it, if they placed it themselves.
    `lines` is empty unless they were loaded. The fields up to `own_reference` are in the order of rows.ORDER_COLUMNS.
    """

    id: UUID
    reference: str
    customer_id: UUID
    customer_reference: str
    currency: str
    payment_method: str
    status: OrderStatus
    placed_at: datetime
    closed_at: datetime | None = None
    action_deadline: datetime | None = None
    last_seq: int = 0
    own_reference: str | None = None
    details: OrderDetails = NO_DETAILS
    lines: list[Line] = field(default_factory=list)
    shipments: list[Shipment] = field(default_factory=list)
    new_events: list[Event] = field(default_factory=list)

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
        invoices = [shipment.payment.invoice for shipment in self.shipments if shipment.status not in ENDED]
        issued = [invoice.total_minor for invoice in invoices if invoice]
        return sum(issued) if issued and len(issued) == len(invoices) else None

    def shipment(self, number: int) -> Shipment | None:
        """The shipment of that number; None if the order has none, and for 0, which stands for the order itself."""
        return self.shipments[number - 1] if 1 <= number <= len(self.shipments) else None

    def place(self, *, by: Actor, at: datetime) -> None:
        """Records the first event."""
        self.status = ORDER.after(None, E.OrderPlaced)
        self._record(E.OrderPlaced, by, at, None, ITSELF, {"to": str(self.status)})

    def record(self, event: EventType, *, by: Actor, at: datetime, reason: str | None = None, **data: Any) -> None:
        """Records what happened to the order itself. Raises Refused(CONFLICT) unless its machine allows it."""
        before, after = self.status, ORDER.after(self.status, event)
        self.status = after
        if after in ORDER.final and before not in ORDER.final:
            self.closed_at = at
        self._record(event, by, at, reason, ITSELF, moved(before, after) | data)

    def record_for(
        self, shipment: Shipment, event: EventType, *, by: Actor, at: datetime, reason: str | None = None, **data: Any
    ) -> None:
        """Records what happened to a shipment or its payment. Raises Refused(CONFLICT) unless allowed."""
        before = shipment.status
        status, payment = SHIPMENT.after(before, event), PAYMENT.after(shipment.payment.status, event)
        shipment.status, shipment.payment.status, shipment.updated_at = status, payment, at
        self._record(event, by, at, reason, part(SHIPMENT_PART, shipment.number), moved(before, status) | data)

    def open_shipment(self, warehouse_code: str, at: datetime) -> Shipment:
        """Adds the next shipment of an order that is being allocated. Record the allocation's event after it."""
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

    def _record(
        self, event: EventType, by: Actor, at: datetime, reason: str | None, subject: str, data: dict[str, Any]
    ) -> None:
        self.last_seq += 1
        self.new_events.append(Event(self.last_seq, event, at, by, reason, subject, data))
