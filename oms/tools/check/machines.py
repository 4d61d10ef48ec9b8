"""Which statuses orders, shipments and payments may pass through: written again, from the domain's documentation.

No machine returns to an earlier status, so there are few paths through each. All of them are listed, and the events of
an order are folded by finding their path. An event that may come several times leaves the status unchanged.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

NOT_YET: Final = ""
"""The status of an order before its first event."""


@dataclass(frozen=True, slots=True)
class Transition:
    """An event that leads from one status to the next, or leaves it. `repeats`: it may come any number of times."""

    before: str
    event: str
    after: str
    repeats: bool = False

    def __post_init__(self) -> None:
        if self.repeats and self.before != self.after:
            raise ValueError(f"{self.event} changes the status, so it cannot repeat")

    @property
    def step(self) -> str:
        """The event and the change of status that its data name. They name none if the status stays."""
        if self.before == self.after:
            return f"{self.event}()"
        return f"{self.event}({self.before}>{self.after})"


@dataclass(frozen=True, slots=True)
class Path:
    """One path through a machine, and the status at its end.

    `events`, `steps`: regular expressions of the path's events, without and with their changes of status. Each event
    ends with a semicolon. Python and PostgreSQL read them alike.
    """

    events: str
    steps: str
    status: str


@dataclass(frozen=True, slots=True)
class Machine:
    """`start`: the status of a subject without events."""

    start: str
    transitions: Sequence[Transition]

    @property
    def events(self) -> frozenset[str]:
        return frozenset(each.event for each in self.transitions)

    def paths(self) -> list[Path]:
        """Every path on which no event comes twice, except events that repeat."""
        return [self._path(taken) for taken in self._from(self.start, ())]

    def _from(self, status: str, taken: tuple[Transition, ...]) -> Iterator[tuple[Transition, ...]]:
        yield taken
        known = {each.event for each in taken}
        for each in self.transitions:
            if each.before == status and each.event not in known and not each.repeats:
                yield from self._from(each.after, (*taken, each))

    def _path(self, taken: Sequence[Transition]) -> Path:
        statuses = (self.start, *(each.after for each in taken))
        repeated = [[each for each in self.transitions if each.repeats and each.before == s] for s in statuses]
        return Path(
            _pattern([each.event for each in taken], [[each.event for each in some] for some in repeated]),
            _pattern([each.step for each in taken], [[each.step for each in some] for some in repeated]),
            statuses[-1],
        )


def _pattern(events: Sequence[str], repeated: Sequence[Sequence[str]]) -> str:
    """`repeated[i]`: what may come any number of times before the event `i`; the last may come at the end."""
    loops = [_loop(some) for some in repeated]
    return (
        "^"
        + "".join(f"{loop}{re.escape(event)};" for loop, event in zip(loops, events, strict=False))
        + loops[-1]
        + "$"
    )


def _loop(events: Sequence[str]) -> str:
    return f"(?:{'|'.join(f'{re.escape(event)};' for event in events)})*" if events else ""


ORDER: Final = Machine(
    NOT_YET,
    (
        Transition(NOT_YET, "OrderPlaced", "PENDING"),
        Transition("PENDING", "ItemsAllocated", "PROCESSING"),
        Transition("PENDING", "ItemsUnavailable", "CUSTOMER_ACTION_REQUIRED"),
        Transition("PENDING", "OrderCancelled", "CANCELLED"),
        Transition("CUSTOMER_ACTION_REQUIRED", "AmendmentAccepted", "PROCESSING"),
        Transition("CUSTOMER_ACTION_REQUIRED", "OrderCancelled", "CANCELLED"),
        Transition("CUSTOMER_ACTION_REQUIRED", "OrderTimedOut", "TIMED_OUT"),
        Transition("PROCESSING", "OrderCancelled", "CANCELLED"),
        Transition("PROCESSING", "OrderCompleted", "COMPLETED"),
        Transition("PROCESSING", "OrderFailed", "FAILED"),
    ),
)
CLOSING_EVENTS: Final = ("OrderCancelled", "OrderTimedOut", "OrderCompleted", "OrderFailed")
ALLOCATING_EVENTS: Final = ("ItemsAllocated", "ItemsUnavailable")

SHIPMENT: Final = Machine(
    "PENDING",
    (
        Transition("PENDING", "ShipmentBooked", "BOOKED"),
        Transition("BOOKED", "ShipmentDispatched", "DISPATCHED"),
        Transition("DISPATCHED", "DeliveryAttempted", "DISPATCHED", repeats=True),
        Transition("DISPATCHED", "ShipmentDelivered", "DELIVERED"),
        Transition("PENDING", "ShipmentCancelled", "CANCELLED"),
        Transition("BOOKED", "ShipmentCancelled", "CANCELLED"),
        Transition("PENDING", "ChargeDeclined", "FAILED"),
        Transition("PENDING", "ShipmentFailed", "FAILED"),
        Transition("BOOKED", "ShipmentFailed", "FAILED"),
        Transition("DISPATCHED", "ShipmentFailed", "FAILED"),
        # A charge in flight when the shipment ended is settled afterwards.
        Transition("CANCELLED", "ChargeDeclined", "CANCELLED"),
        Transition("FAILED", "ChargeDeclined", "FAILED"),
    ),
)

INVOICED: Final = "INVOICED"
"""A payment between invoice and charge. The database calls this PENDING, too."""

PAYMENT: Final = Machine(
    "PENDING",
    (
        Transition("PENDING", "ShipmentInvoiced", INVOICED),
        Transition(INVOICED, "ChargeHeld", INVOICED, repeats=True),
        Transition(INVOICED, "ChargeStarted", "CHARGING"),
        Transition(INVOICED, "ChargeDeclined", "DECLINED"),
        Transition("CHARGING", "ShipmentCharged", "SUCCEEDED"),
        Transition("CHARGING", "ChargeDeclined", "DECLINED"),
        Transition("SUCCEEDED", "ShipmentBooked", "SUCCEEDED"),
        Transition("SUCCEEDED", "ShipmentRefunded", "REFUNDED"),
        Transition("PENDING", "ShipmentCancelled", "VOIDED"),
        Transition(INVOICED, "ShipmentCancelled", "VOIDED"),
        Transition("CHARGING", "ShipmentCancelled", "CHARGING"),
        Transition("SUCCEEDED", "ShipmentCancelled", "SUCCEEDED"),
        Transition("PENDING", "ShipmentFailed", "VOIDED"),
        Transition(INVOICED, "ShipmentFailed", "VOIDED"),
        Transition("CHARGING", "ShipmentFailed", "CHARGING"),
        Transition("SUCCEEDED", "ShipmentFailed", "SUCCEEDED"),
    ),
)


def stored_status(status: str) -> str:
    """A status as the database has it."""
    return "PENDING" if status == INVOICED else status
