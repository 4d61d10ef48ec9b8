"""Follows every order until its status is final, then reads it once for the report."""

import asyncio
import time
from itertools import islice

from oms.tools.replay.chunks import chunks
from oms.tools.replay.client.api import Api
from oms.tools.replay.client.documents import ROOT_FIELDS, closed_orders, order_statuses, subjects
from oms.tools.replay.ledger import FINAL_STATUSES, Ledger

LOOK_EVERY_S = 0.2
QUIET_S = 2.0
SWEEP_ORDERS = 500


class Closing:
    """Reads what couriers and customers saw closed, and sweeps the rest, which ends without their hands."""

    def __init__(self, api: Api, ledger: Ledger, *, wait_s: float) -> None:
        self._api = api
        self._ledger = ledger
        self._wait_s = wait_s

    async def run(self) -> None:
        """Return when every order is final, or none has become final for wait_s seconds after placing."""
        while not self._is_over():
            await self._read_closed()
            if time.monotonic() - self._ledger.last_heard_s > QUIET_S:
                await self._sweep()
            if not self._ledger.to_look_at:
                await asyncio.sleep(LOOK_EVERY_S)

    def _is_over(self) -> bool:
        if self._ledger.placing_ended_s is None:
            return False
        quiet_since_s = max(self._ledger.placing_ended_s, self._ledger.last_closed_s)
        return not self._ledger.open or time.monotonic() - quiet_since_s > self._wait_s

    async def _read_closed(self) -> None:
        waiting = self._ledger.to_look_at
        while waiting:
            ids = [waiting.popleft() for _ in range(min(ROOT_FIELDS, len(waiting)))]
            orders = await self._api.execute(closed_orders(len(ids)), subjects(ids))
            for order in orders.values():
                if order is not None and order["status"] in FINAL_STATUSES:
                    self._ledger.close(order)

    async def _sweep(self) -> None:
        """Ask for the open orders that were not asked for longest. As long as there is news, this has time."""
        self._ledger.last_heard_s = time.monotonic()
        ids = list(islice(self._ledger.open, SWEEP_ORDERS))
        for order_id in ids:
            self._ledger.open[order_id] = self._ledger.open.pop(order_id)
        for part in chunks(ids, ROOT_FIELDS):
            orders = await self._api.execute(order_statuses(len(part)), subjects(part))
            for order in orders.values():
                self._ledger.heard(order)
