"""Places orders as a shopping cart does, with concurrent requests of one or more orders."""

import asyncio
import time
from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any

from oms.tools.replay.actors.customers import Customers
from oms.tools.replay.choices import changes_mind
from oms.tools.replay.client.api import Api, Rejected
from oms.tools.replay.client.documents import NEWEST_ORDER, PLACE_ORDER, PLACE_ORDERS
from oms.tools.replay.ledger import Ledger
from oms.tools.replay.source.cart_order import CartOrder, NoOrder

Basket = tuple[CartOrder, ...]


async def newest_placed_at(api: Api) -> datetime | None:
    """The instant of the newest order by the system's clock; None without orders. Raises: ApiFailure."""
    nodes = (await api.execute(NEWEST_ORDER, {}))["orders"]["nodes"]
    return datetime.fromisoformat(nodes[0]["placedAt"]) if nodes else None


class Cart:
    """One cart with concurrent requests.

    `bulk`: orders in each request. `rate`: maximum of orders per second; None: no limit.
    """

    def __init__(
        self,
        api: Api,
        ledger: Ledger,
        customers: Customers,
        *,
        concurrency: int,
        bulk: int,
        rate: float | None,
    ) -> None:
        self._api = api
        self._ledger = ledger
        self._customers = customers
        self._concurrency = concurrency
        self._bulk = bulk
        self._rate = rate
        self._baskets: asyncio.Queue[Basket | None] = asyncio.Queue(maxsize=2 * concurrency)

    async def place_all(self, entries: Iterable[CartOrder | NoOrder], limit: int | None) -> None:
        """Places the orders among the entries, up to `limit`. Raises: Unanswered if the API stays unavailable."""
        newest_before = await newest_placed_at(self._api)
        self._ledger.placing_started_s = time.monotonic()
        async with asyncio.TaskGroup() as tasks:
            for _ in range(self._concurrency):
                tasks.create_task(self._place_baskets(newest_before))
            await self._fill_baskets(entries, limit)
        self._ledger.placing_ended_s = time.monotonic()

    async def _fill_baskets(self, entries: Iterable[CartOrder | NoOrder], limit: int | None) -> None:
        basket: list[CartOrder] = []
        filled = 0
        for entry in entries:
            if filled == limit:
                break
            self._ledger.read(entry)
            if isinstance(entry, NoOrder):
                continue
            basket.append(entry)
            filled += 1
            if len(basket) == self._bulk:
                await self._wait_until_due(filled)
                await self._baskets.put(tuple(basket))
                basket.clear()
        if basket:
            await self._baskets.put(tuple(basket))
        for _ in range(self._concurrency):
            await self._baskets.put(None)

    async def _wait_until_due(self, orders_count: int) -> None:
        if self._rate is not None:
            due_s = self._ledger.placing_started_s + orders_count / self._rate
            await asyncio.sleep(max(0.0, due_s - time.monotonic()))

    async def _place_baskets(self, newest_before: datetime | None) -> None:
        while (basket := await self._baskets.get()) is not None:
            started_s = time.monotonic()
            try:
                results = await self._place(basket)
            except Rejected as failure:
                for order in basket:
                    self._ledger.fail(order.reference, str(failure))
                continue
            self._ledger.place_ms.append((time.monotonic() - started_s) * 1000)
            for order, result in zip(basket, results, strict=True):
                self._record(order, result, newest_before)

    async def _place(self, basket: Basket) -> Sequence[dict[str, Any]]:
        """Returns an OrderPayload for each order. Orders are safe to repeat because of their references."""
        if self._bulk == 1:
            data = await self._api.execute(PLACE_ORDER, {"input": basket[0].as_input()})
            return [data["result"]]
        data = await self._api.execute(PLACE_ORDERS, {"inputs": [order.as_input() for order in basket]})
        answer = data["answer"]
        if answer["userErrors"]:
            return [{"order": None, "userErrors": answer["userErrors"]}] * len(basket)
        results: list[dict[str, Any]] = answer["results"]
        if len(results) != len(basket):
            raise Rejected(f"placeOrders returned {len(results)} results for {len(basket)} orders")
        return results

    def _record(self, order: CartOrder, result: dict[str, Any], newest_before: datetime | None) -> None:
        if result["order"] is None:
            self._ledger.refuse(order.reference, result["userErrors"])
            return
        tracked = self._ledger.accepted(order.reference, result["order"], newest_before)
        if tracked.is_repeat:
            return
        if order.cancelled_at_source:
            self._customers.cancel_soon(tracked, "Cancelled in the source, too.")
        elif changes_mind(order.reference):
            self._customers.cancel_soon(tracked, "The customer changed their mind.")
