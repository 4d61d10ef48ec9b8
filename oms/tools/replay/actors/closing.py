"""Follows every order until its status is final, then reads it for the report."""

import asyncio
import time
from itertools import islice

from oms.tools.replay.chunks import chunks
from oms.tools.replay.client.api import Api
from oms.tools.replay.client.documents import MAX_ROOT_FIELDS, closed_orders, order_statuses, subjects
from oms.tools.replay.ledger import FINAL_STATUSES, Ledger

CHECK_EVERY_S = 0.2
QUIET_S = 2.0
POLLED_ORDERS = 500


class Closing:
    """Reads orders that couriers and customers saw closed, and polls the others."""

    def __init__(self, api: Api, ledger: Ledger, *, wait_s: float) -> None:
        self._api = api
        self._ledger = ledger
        self._wait_s = wait_s

    async def run(self) -> None:
        """Returns when every order is final, or when none has become final for `wait_s` after placing."""
        while not self._is_over():
            await self._read_closed()
            if time.monotonic() - self._ledger.last_change_s > QUIET_S:
                await self._poll()
            if not self._ledger.to_read:
                await asyncio.sleep(CHECK_EVERY_S)

    def _is_over(self) -> bool:
        if self._ledger.placing_ended_s is None:
            return False
        quiet_since_s = max(self._ledger.placing_ended_s, self._ledger.last_closed_s)
        return not self._ledger.open or time.monotonic() - quiet_since_s > self._wait_s

    async def _read_closed(self) -> None:
        waiting = self._ledger.to_read
        while waiting:
            ids = [waiting.popleft() for _ in range(min(MAX_ROOT_FIELDS, len(waiting)))]
            orders = await self._api.execute(closed_orders(len(ids)), subjects(ids))
            for order in orders.values():
                if order is not None and order["status"] in FINAL_STATUSES:
                    self._ledger.close(order)

    async def _poll(self) -> None:
        """Polls the open orders that were polled least recently. It is not urgent while other changes arrive."""
        self._ledger.last_change_s = time.monotonic()
        ids = list(islice(self._ledger.open, POLLED_ORDERS))
        for order_id in ids:
            self._ledger.open[order_id] = self._ledger.open.pop(order_id)
        for part in chunks(ids, MAX_ROOT_FIELDS):
            orders = await self._api.execute(order_statuses(len(part)), subjects(part))
            for order in orders.values():
                self._ledger.note_status(order)
