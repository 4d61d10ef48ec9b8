"""The product's own hub for live changes, which also records what it delivered."""

from collections.abc import Callable, Iterable
from typing import Any, Final
from uuid import UUID

from oms.domain.order_queries.event_log import LoggedEvent
from oms.platform.db import Database
from oms.web.live.hub import LiveHub

LAST_EVENTS: Final = "SELECT order_id, max(seq) AS seq FROM order_events GROUP BY 1 ORDER BY 1"


class RecordingHub(LiveHub):
    """Remembers the last event delivered of each order; reports a skipped number to `complain`."""

    def __init__(self, db: Database, complain: Callable[[str], None]) -> None:
        super().__init__(db)
        self._complain = complain
        self._last: dict[UUID, int] = {}

    async def subscribe(self) -> None:
        """Takes the changes of every shipment, without end."""
        async for _ in self.shipments():
            pass

    def _deliver(self, events: Iterable[LoggedEvent]) -> None:
        delivered = list(events)
        for event in delivered:
            last = self._last.get(event.order_id, 0)
            if event.seq > last + 1:
                self._complain(f"Rule 6: event {event.seq} was delivered after event {last} of order {event.order_id}")
            self._last[event.order_id] = max(last, event.seq)
        super()._deliver(delivered)

    async def undelivered(self, monitor: Any) -> list[str]:
        """Orders whose last events were not delivered."""
        return [
            f"Rule 6: event {seq} of order {order_id} was not delivered, the last one is {self._last.get(order_id, 0)}"
            for order_id, seq in await monitor.fetch(LAST_EVENTS)
            if self._last.get(order_id, 0) < seq
        ]
