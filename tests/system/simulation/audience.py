"""Who watches live: the product's own hub, and what it has told by the end."""

from collections.abc import Callable, Iterable
from typing import Any, Final
from uuid import UUID

from oms.domain.order_queries.event_log import LoggedEvent
from oms.platform.db import Database
from oms.web.live.hub import LiveHub

EVENTS: Final = "SELECT order_id, max(seq) AS seq FROM order_events GROUP BY 1 ORDER BY 1"


class Audience(LiveHub):
    """A hub that remembers how far it has told of each order; `complain` hears of a number that was left out."""

    def __init__(self, db: Database, complain: Callable[[str], None]) -> None:
        super().__init__(db)
        self._complain = complain
        self._heard: dict[UUID, int] = {}
        self._changes = 0

    async def watch(self) -> None:
        """Subscribes to the changes of every shipment, for ever."""
        async for _ in self.shipments():
            self._changes += 1

    def _deliver(self, events: Iterable[LoggedEvent]) -> None:
        told = list(events)
        for event in told:
            last = self._heard.get(event.order_id, 0)
            if event.seq > last + 1:
                self._complain(f"Rule 6: event {event.seq} was told after event {last} of order {event.order_id}")
            self._heard[event.order_id] = max(last, event.seq)
        super()._deliver(told)

    async def not_told(self, monitor: Any) -> list[str]:
        """Orders whose last events nobody was told of."""
        return [
            f"Rule 6: of order {order_id} event {seq} was not told, the last one told is {self._heard.get(order_id, 0)}"
            for order_id, seq in await monitor.fetch(EVENTS)
            if self._heard.get(order_id, 0) < seq
        ]
