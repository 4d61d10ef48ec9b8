"""Which way orders, shipments and payments may go, written down once more from domain.md and the contract.

None of the three can come back to where it was, so there are only a few ways through each. All of them are listed, and
a trail is folded by finding it among them.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

NOT_YET: Final = ""


@dataclass(frozen=True, slots=True)
class Move:
    """An event in a status leads to a status."""

    before: str
    event: str
    after: str

    @property
    def step(self) -> str:
        """The event with the change it tells of: a status that stays is not told."""
        if self.before == self.after:
            return f"{self.event}()"
        return f"{self.event}({self.before}>{self.after})"


@dataclass(frozen=True, slots=True)
class Way:
    """One way from the beginning: the events, the same with what they tell, and where it ends."""

    events: str
    steps: str
    status: str


@dataclass(frozen=True, slots=True)
class Machine:
    """`start` is where a trail without any event of it stands."""

    start: str
    moves: Sequence[Move]

    @property
    def events(self) -> frozenset[str]:
        return frozenset(move.event for move in self.moves)

    def ways(self) -> list[Way]:
        """Every way through it on which no event comes twice."""
        return list(self._from(self.start, ()))

    def _from(self, status: str, gone: tuple[Move, ...]) -> Iterator[Way]:
        yield Way(" ".join(move.event for move in gone), " ".join(move.step for move in gone), status)
        known = {move.event for move in gone}
        for move in self.moves:
            if move.before == status and move.event not in known:
                yield from self._from(move.after, (*gone, move))


ORDER: Final = Machine(
    NOT_YET,
    (
        Move(NOT_YET, "OrderPlaced", "PENDING"),
        Move("PENDING", "ItemsAllocated", "PROCESSING"),
        Move("PENDING", "ItemsUnavailable", "CUSTOMER_ACTION_REQUIRED"),
        Move("PENDING", "OrderCancelled", "CANCELLED"),
        Move("CUSTOMER_ACTION_REQUIRED", "AmendmentAccepted", "PROCESSING"),
        Move("CUSTOMER_ACTION_REQUIRED", "OrderCancelled", "CANCELLED"),
        Move("CUSTOMER_ACTION_REQUIRED", "OrderTimedOut", "TIMED_OUT"),
        Move("PROCESSING", "OrderCancelled", "CANCELLED"),
        Move("PROCESSING", "OrderCompleted", "COMPLETED"),
        Move("PROCESSING", "OrderFailed", "FAILED"),
    ),
)
CLOSING_EVENTS: Final = ("OrderCancelled", "OrderTimedOut", "OrderCompleted", "OrderFailed")
ALLOCATING_EVENTS: Final = ("ItemsAllocated", "ItemsUnavailable")

SHIPMENT: Final = Machine(
    "PENDING",
    (
        Move("PENDING", "ShipmentBooked", "BOOKED"),
        Move("BOOKED", "ShipmentDispatched", "DISPATCHED"),
        Move("DISPATCHED", "ShipmentDelivered", "DELIVERED"),
        Move("PENDING", "ShipmentCancelled", "CANCELLED"),
        Move("BOOKED", "ShipmentCancelled", "CANCELLED"),
        Move("PENDING", "ChargeDeclined", "FAILED"),
        Move("PENDING", "ShipmentFailed", "FAILED"),
        Move("BOOKED", "ShipmentFailed", "FAILED"),
        Move("DISPATCHED", "ShipmentFailed", "FAILED"),
        # A charge in flight when the shipment ended is settled afterwards.
        Move("CANCELLED", "ChargeDeclined", "CANCELLED"),
        Move("FAILED", "ChargeDeclined", "FAILED"),
    ),
)

INVOICED: Final = "INVOICED"
"""Between invoice and charge a payment is still kept as PENDING."""

PAYMENT: Final = Machine(
    "PENDING",
    (
        Move("PENDING", "ShipmentInvoiced", INVOICED),
        Move(INVOICED, "ChargeStarted", "CHARGING"),
        Move(INVOICED, "ChargeDeclined", "DECLINED"),
        Move("CHARGING", "ShipmentCharged", "SUCCEEDED"),
        Move("CHARGING", "ChargeDeclined", "DECLINED"),
        Move("SUCCEEDED", "ShipmentBooked", "SUCCEEDED"),
        Move("SUCCEEDED", "ShipmentRefunded", "REFUNDED"),
        Move("PENDING", "ShipmentCancelled", "VOIDED"),
        Move(INVOICED, "ShipmentCancelled", "VOIDED"),
        Move("CHARGING", "ShipmentCancelled", "CHARGING"),
        Move("SUCCEEDED", "ShipmentCancelled", "SUCCEEDED"),
        Move("PENDING", "ShipmentFailed", "VOIDED"),
        Move(INVOICED, "ShipmentFailed", "VOIDED"),
        Move("CHARGING", "ShipmentFailed", "CHARGING"),
        Move("SUCCEEDED", "ShipmentFailed", "SUCCEEDED"),
    ),
)


def kept_payment_status(status: str) -> str:
    return "PENDING" if status == INVOICED else status
