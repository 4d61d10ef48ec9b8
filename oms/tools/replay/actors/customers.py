"""Customers who answer amended orders, or change their mind. The cart sends their decisions."""

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

CHECK_EVERY_S = 0.5
CONCURRENT_ANSWERS = 4


class Customers:
    """The customers of the replay's orders.

    `wait_s`: a customer who would not answer cancels at once if the deadline is further away than this, as the replay
    does not wait that long.
    """

    def __init__(self, api: Api, ledger: Ledger, *, wait_s: float) -> None:
        self._api = api
        self._ledger = ledger
        self._wait = timedelta(seconds=wait_s)
        self._cancellations: asyncio.Queue[tuple[TrackedOrder, str]] = asyncio.Queue()

    def cancel_soon(self, order: TrackedOrder, reason: str) -> None:
        """Lets the customer cancel this order."""
        self._cancellations.put_nowait((order, reason))

    async def run(self) -> None:
        """Answers amended orders and sends cancellations, until cancelled."""
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self._send_cancellations())
            tasks.create_task(self._answer_amendments())

    async def _send_cancellations(self) -> None:
        while True:
            order, reason = await self._cancellations.get()
            await self._cancel(order, reason, counted_as="cancelled after placing")

    async def _answer_amendments(self) -> None:
        while True:
            after: str | None = None
            while True:
                page = (await self._api.execute(AMENDED_ORDERS, {"after": after}))["orders"]
                for part in chunks(page["nodes"], CONCURRENT_ANSWERS):
                    await asyncio.gather(*[self._answer(node) for node in part])
                if not page["pageInfo"]["hasNextPage"]:
                    break
                after = page["pageInfo"]["endCursor"]
            await asyncio.sleep(CHECK_EVERY_S)

    async def _answer(self, node: dict[str, Any]) -> None:
        order = self._ledger.open.get(node["id"])
        if order is None or order.answer is not None:
            return
        decision = answer_to_amendment(order.reference)
        if decision is Answer.ACCEPT and node["viewerCanAcceptAmendment"]:
            await self._accept(order)
        elif decision is Answer.ACCEPT:
            await self._cancel(order, "Nothing of it can be had.", counted_as="cancelled: nothing to accept")
        elif decision is Answer.CANCEL:
            await self._cancel(order, "Not without the rest.", counted_as="cancelled the amended order")
        elif self._is_far(node["actionDeadline"]):
            await self._cancel(order, "Not without the rest.", counted_as="cancelled: deadline too far to wait for")
        else:
            order.answer = Answer.NONE
            self._ledger.customers["did not answer"] += 1

    def _is_far(self, deadline: str | None) -> bool:
        return deadline is not None and datetime.fromisoformat(deadline) > datetime.now(UTC) + self._wait

    async def _accept(self, order: TrackedOrder) -> None:
        variables = {"orderId": order.id}
        if await self._send(ACCEPT, variables, f"replay-accept-{order.id}", "accepted the amended order"):
            order.answer = Answer.ACCEPT

    async def _cancel(self, order: TrackedOrder, reason: str, *, counted_as: str) -> None:
        variables = {"orderId": order.id, "reason": reason}
        if await self._send(CANCEL, variables, f"replay-cancel-{order.id}", counted_as):
            order.answer = Answer.CANCEL

    async def _send(self, document: str, variables: dict[str, str], key: str, counted_as: str) -> bool:
        """Returns whether the API decided, also if it refused the decision as too late."""
        try:
            answer = (await self._api.execute(document, variables, idempotency_key=key))["answer"]
        except Rejected as failure:
            log.warning("Decision of a customer failed", order_id=variables["orderId"], why=str(failure))
            return False
        errors = answer["userErrors"]
        if errors and errors[0]["code"] != "CONFLICT":
            log.warning("Decision of a customer refused", order_id=variables["orderId"], error=errors[0])
        self._ledger.customers[f"{counted_as}: {errors[0]['code']}" if errors else counted_as] += 1
        self._ledger.note_status(answer["order"])
        return True
