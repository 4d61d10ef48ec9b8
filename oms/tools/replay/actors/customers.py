"""Customers who answer amended orders, or change their mind. The cart passes their wishes on."""

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Any

import structlog

from oms.tools.replay.choices import Answer, answer_to_amendment
from oms.tools.replay.chunks import chunks
from oms.tools.replay.client.api import Api, Rejected
from oms.tools.replay.client.documents import ACCEPT, AMENDED_ORDERS, CANCEL
from oms.tools.replay.ledger import Ledger, TrackedOrder

log = structlog.get_logger(__name__)

LOOK_EVERY_S = 0.5
ANSWERS_AT_ONCE = 4


class Customers:
    """The customers of the replay's orders.

    patience_s: a customer who would stay silent cancels at once if the deadline is further away than this,
    since the replay will not wait that long.
    """

    def __init__(self, api: Api, ledger: Ledger, *, patience_s: float) -> None:
        self._api = api
        self._ledger = ledger
        self._patience = timedelta(seconds=patience_s)
        self._second_thoughts: asyncio.Queue[tuple[TrackedOrder, str]] = asyncio.Queue()

    def cancel_soon(self, order: TrackedOrder, reason: str) -> None:
        """The customer wants this order no more."""
        self._second_thoughts.put_nowait((order, reason))

    async def run(self) -> None:
        """Look for amended orders, and pass on second thoughts, until cancelled."""
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self._pass_second_thoughts_on())
            tasks.create_task(self._answer_amendments())

    async def _pass_second_thoughts_on(self) -> None:
        while True:
            order, reason = await self._second_thoughts.get()
            await self._cancel(order, reason, counted_as="cancelled after placing")

    async def _answer_amendments(self) -> None:
        while True:
            after: str | None = None
            while True:
                page = (await self._api.execute(AMENDED_ORDERS, {"after": after}))["orders"]
                for part in chunks(page["nodes"], ANSWERS_AT_ONCE):
                    await asyncio.gather(*[self._answer(node) for node in part])
                if not page["pageInfo"]["hasNextPage"]:
                    break
                after = page["pageInfo"]["endCursor"]
            await asyncio.sleep(LOOK_EVERY_S)

    async def _answer(self, node: dict[str, Any]) -> None:
        order = self._ledger.open.get(node["id"])
        if order is None or order.answer is not None:
            return
        wish = answer_to_amendment(order.reference)
        if wish is Answer.ACCEPT and node["viewerCanAcceptAmendment"]:
            await self._accept(order)
        elif wish is Answer.ACCEPT:
            await self._cancel(order, "Nothing of it can be had.", counted_as="cancelled: nothing to accept")
        elif wish is Answer.CANCEL:
            await self._cancel(order, "Not without the rest.", counted_as="cancelled the amended order")
        elif self._is_far(node["actionDeadline"]):
            await self._cancel(order, "Not without the rest.", counted_as="cancelled: deadline too far to wait for")
        else:
            order.answer = Answer.SILENCE
            self._ledger.customers["stayed silent"] += 1

    def _is_far(self, deadline: str | None) -> bool:
        return deadline is not None and datetime.fromisoformat(deadline) > datetime.now(UTC) + self._patience

    async def _accept(self, order: TrackedOrder) -> None:
        variables = {"orderId": order.id}
        if await self._pass_on(ACCEPT, variables, f"replay-accept-{order.id}", "accepted the amended order"):
            order.answer = Answer.ACCEPT

    async def _cancel(self, order: TrackedOrder, reason: str, *, counted_as: str) -> None:
        variables = {"orderId": order.id, "reason": reason}
        if await self._pass_on(CANCEL, variables, f"replay-cancel-{order.id}", counted_as):
            order.answer = Answer.CANCEL

    async def _pass_on(self, document: str, variables: dict[str, str], key: str, counted_as: str) -> bool:
        """Whether the API decided on the wish, be it that it came too late."""
        try:
            answer = (await self._api.execute(document, variables, idempotency_key=key))["answer"]
        except Rejected as failure:
            log.warning("A customer's wish was not carried out.", order_id=variables["orderId"], why=str(failure))
            return False
        errors = answer["userErrors"]
        if errors and errors[0]["code"] != "CONFLICT":
            log.warning("A customer's wish was refused.", order_id=variables["orderId"], error=errors[0])
        self._ledger.customers[f"{counted_as}: {errors[0]['code']}" if errors else counted_as] += 1
        self._ledger.heard(answer["order"])
        return True
