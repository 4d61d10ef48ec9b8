"""What happened to every row. Nothing is dropped: the sums are checked at the end."""

import time
from collections import Counter, deque
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final

from oms.tools.replay.choices import Answer
from oms.tools.replay.source.cart_order import CartOrder, NoOrder

FINAL_STATUSES: Final = ("COMPLETED", "FAILED", "CANCELLED", "TIMED_OUT")
MAX_EXAMPLES = 10


@dataclass(slots=True)
class TrackedOrder:
    """An order that the API accepted. `is_repeat`: an earlier run had placed it."""

    id: str
    reference: str
    placed_at: datetime
    is_repeat: bool
    answer: Answer | None = None
    status: str | None = None
    was_amended: bool = False
    shipments_count: int = 0
    booked_after_ms: float | None = None


@dataclass(slots=True)
class Ledger:
    """The replay's counts. Times are of the monotonic clock."""

    rows_read: int = 0
    no_orders: Counter[str] = field(default_factory=Counter)
    refused: Counter[str] = field(default_factory=Counter)
    failed: Counter[str] = field(default_factory=Counter)
    examples: list[str] = field(default_factory=list)
    placed: int = 0
    repeated: int = 0

    lines_read: int = 0
    lines_ordered: int = 0
    lines_of_no_orders: int = 0
    lines_excluded: Counter[str] = field(default_factory=Counter)
    lines_noted: Counter[str] = field(default_factory=Counter)

    orders: dict[str, TrackedOrder] = field(default_factory=dict)
    open: dict[str, TrackedOrder] = field(default_factory=dict)
    to_read: deque[str] = field(default_factory=deque)
    place_ms: list[float] = field(default_factory=list)
    customers: Counter[str] = field(default_factory=Counter)
    couriers: Counter[str] = field(default_factory=Counter)

    last_change_s: float = 0.0
    placing_started_s: float = 0.0
    placing_ended_s: float | None = None
    last_closed_s: float = 0.0
    last_finished_s: float = 0.0

    def read(self, entry: CartOrder | NoOrder) -> None:
        """Counts a source row and its lines."""
        self.rows_read += 1
        if isinstance(entry, NoOrder):
            self.no_orders[entry.reason] += 1
            self.lines_read += entry.lines_count
            self.lines_of_no_orders += entry.lines_count
            return
        self.lines_read += len(entry.lines) + len(entry.excluded)
        self.lines_ordered += len(entry.lines)
        self.lines_excluded.update(entry.excluded)
        self.lines_noted.update(entry.notes)

    def accepted(self, reference: str, order: dict[str, Any], newest_before: datetime | None) -> TrackedOrder:
        """The API returned an order: a repeat, unless it is newer than the newest one before the run."""
        known = self.orders.get(order["id"])
        if known is not None:
            self.repeated += 1
            return known
        placed_at = datetime.fromisoformat(order["placedAt"])
        is_repeat = newest_before is not None and placed_at <= newest_before
        self.repeated += is_repeat
        self.placed += not is_repeat
        tracked = TrackedOrder(order["id"], reference, placed_at, is_repeat)
        self.orders[tracked.id] = self.open[tracked.id] = tracked
        if is_repeat:
            self.to_read.append(tracked.id)
        return tracked

    def refuse(self, reference: str, errors: Iterable[dict[str, Any]]) -> None:
        """The API refused an order. It is counted by the code and path of its first error, without line numbers."""
        first = next(iter(errors))
        place = ".".join(part for part in first["path"] or () if not part.isdigit())
        self.refused[f"{first['code']} {place}".rstrip()] += 1
        self._remember(f"{reference}: {first['code']} {first['message']}")

    def fail(self, reference: str, why: str) -> None:
        """The API gave no result for an order."""
        self.failed[why.partition(":")[0]] += 1
        self._remember(f"{reference}: {why}")

    def note_status(self, order: dict[str, Any] | None) -> None:
        """An answer contained an order. If its status is final, it is read for the report."""
        if order is not None and order["status"] in FINAL_STATUSES and order["id"] in self.open:
            self.to_read.append(order["id"])
            self.last_change_s = time.monotonic()

    def close(self, order: dict[str, Any]) -> None:
        """Records an order with a final status."""
        tracked = self.open.pop(order["id"], None)
        if tracked is None:
            return
        tracked.status = order["status"]
        tracked.was_amended = any(line["unavailableQuantity"] for line in order["lines"])
        tracked.shipments_count = len(order["shipments"])
        booked = [shipment["bookedAt"] for shipment in order["shipments"]]
        if booked and all(booked):
            last = max(datetime.fromisoformat(at) for at in booked)
            tracked.booked_after_ms = (last - tracked.placed_at).total_seconds() * 1000
        self.last_closed_s = time.monotonic()
        if tracked.status != "TIMED_OUT":
            self.last_finished_s = self.last_closed_s

    def imbalances(self) -> list[str]:
        """The sums that do not add up. A correct replay has none."""
        checks = {
            "rows read = placed + repeated + refused + failed + no orders": (
                self.rows_read,
                self.placed + self.repeated + self.refused.total() + self.failed.total() + self.no_orders.total(),
            ),
            "lines read = ordered + excluded + on rows that are no orders": (
                self.lines_read,
                self.lines_ordered + self.lines_excluded.total() + self.lines_of_no_orders,
            ),
        }
        return [f"{name}: {left} ≠ {right}" for name, (left, right) in checks.items() if left != right]

    def _remember(self, example: str) -> None:
        if len(self.examples) < MAX_EXAMPLES:
            self.examples.append(example)
