"""Couriers who find booked shipments, dispatch and deliver them."""

import asyncio
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import structlog

from oms.tools.replay.choices import Delivery, delivery_of
from oms.tools.replay.chunks import chunks
from oms.tools.replay.client.api import Api, Rejected
from oms.tools.replay.client.documents import (
    FAIL_SHIPMENT,
    MAX_ROOT_FIELDS,
    OPEN_SHIPMENTS,
    deliver_shipments,
    dispatch_shipments,
    subjects,
)
from oms.tools.replay.ledger import Ledger

log = structlog.get_logger(__name__)

COURIERS = 4
CHECK_EVERY_S = 0.25


@dataclass(frozen=True, slots=True)
class Parcel:
    """A shipment that a courier handles."""

    shipment_id: str
    is_dispatched: bool
    outcome: Delivery


class Couriers:
    """Handles the shipments of the replay's orders, and no others, until they end."""

    def __init__(self, api: Api, ledger: Ledger) -> None:
        self._api = api
        self._ledger = ledger
        self._taken: set[str] = set()
        self._batches: asyncio.Queue[Sequence[Parcel]] = asyncio.Queue(maxsize=COURIERS)

    async def run(self) -> None:
        """Works until cancelled."""
        async with asyncio.TaskGroup() as tasks:
            for _ in range(COURIERS):
                tasks.create_task(self._handle_batches())
            tasks.create_task(self._find_shipments())

    async def _find_shipments(self) -> None:
        while True:
            after: str | None = None
            while True:
                page = (await self._api.execute(OPEN_SHIPMENTS, {"after": after}))["shipments"]
                for parcels in chunks(list(self._take(page["nodes"])), MAX_ROOT_FIELDS):
                    await self._batches.put(parcels)
                if not page["pageInfo"]["hasNextPage"]:
                    break
                after = page["pageInfo"]["endCursor"]
            await asyncio.sleep(CHECK_EVERY_S)

    def _take(self, nodes: Sequence[dict[str, Any]]) -> Iterator[Parcel]:
        for node in nodes:
            order = self._ledger.orders.get(node["order"]["id"])
            if order is None or node["id"] in self._taken:
                continue
            self._taken.add(node["id"])
            outcome = delivery_of(order.reference, node["warehouse"]["code"])
            yield Parcel(node["id"], node["status"] == "DISPATCHED", outcome)

    async def _handle_batches(self) -> None:
        while True:
            parcels = await self._batches.get()
            try:
                await self._handle(parcels)
            except Rejected as failure:
                log.warning("Batch of a courier failed", shipments=len(parcels), why=str(failure))
                self._release(parcels)

    async def _handle(self, parcels: Sequence[Parcel]) -> None:
        """Dispatches and delivers the shipments, or reports failures, as their outcomes say."""
        for parcel in parcels:
            if parcel.outcome is Delivery.NEVER_COLLECTED and not parcel.is_dispatched:
                await self._fail(parcel)
        collected = await self._dispatch(
            [p for p in parcels if not p.is_dispatched and p.outcome is not Delivery.NEVER_COLLECTED]
        )
        collected_now = [parcel for parcel in parcels if parcel.is_dispatched or parcel in collected]
        for parcel in collected_now:
            if parcel.outcome is Delivery.REFUSED_AT_DOOR:
                await self._fail(parcel)
        await self._deliver([parcel for parcel in collected_now if parcel.outcome is not Delivery.REFUSED_AT_DOOR])

    async def _dispatch(self, parcels: Sequence[Parcel]) -> list[Parcel]:
        """Returns the dispatched ones. One with a conflict, for example if it was cancelled, is found again later."""
        if not parcels:
            return []
        ids = [parcel.shipment_id for parcel in parcels]
        answers = await self._api.execute(dispatch_shipments(len(ids)), subjects(ids))
        return [
            parcel
            for parcel, answer in zip(parcels, answers.values(), strict=True)
            if self._record(parcel, answer, "dispatched")
        ]

    async def _deliver(self, parcels: Sequence[Parcel]) -> None:
        if not parcels:
            return
        ids = [parcel.shipment_id for parcel in parcels]
        answers = await self._api.execute(deliver_shipments(len(ids)), subjects(ids))
        for parcel, answer in zip(parcels, answers.values(), strict=True):
            self._record(parcel, answer, "delivered")

    async def _fail(self, parcel: Parcel) -> None:
        reason = parcel.outcome.value
        variables = {"shipmentId": parcel.shipment_id, "reason": f"{reason.capitalize()}."}
        data = await self._api.execute(FAIL_SHIPMENT, variables)
        self._record(parcel, data["answer"], reason)

    def _record(self, parcel: Parcel, answer: dict[str, Any], step: str) -> bool:
        """Records the answer; returns whether the step succeeded."""
        errors = answer["userErrors"]
        if not errors:
            self._ledger.couriers[step] += 1
            self._ledger.note_status(answer["shipment"]["order"])
            return True
        if errors[0]["code"] != "CONFLICT":
            log.warning("Courier refused", shipment_id=parcel.shipment_id, step=step, error=errors[0])
        self._ledger.couriers[f"{step}: {errors[0]['code']}"] += 1
        self._release([parcel])
        return False

    def _release(self, parcels: Sequence[Parcel]) -> None:
        """Lets the next search find them again if they are still open."""
        self._taken.difference_update(parcel.shipment_id for parcel in parcels)
