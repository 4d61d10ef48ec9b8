"""Couriers who look for booked shipments, dispatch them at the warehouse and deliver them at the door."""

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
    ROOT_FIELDS,
    SHIPMENTS_ON_THEIR_WAY,
    deliver_shipments,
    dispatch_shipments,
    subjects,
)
from oms.tools.replay.ledger import Ledger

log = structlog.get_logger(__name__)

COURIERS = 4
LOOK_EVERY_S = 0.25


@dataclass(frozen=True, slots=True)
class Parcel:
    """A shipment in a courier's hands."""

    shipment_id: str
    is_dispatched: bool
    fate: Delivery


class Couriers:
    """Drives the shipments of the replay's orders, and no others, to their end."""

    def __init__(self, api: Api, ledger: Ledger) -> None:
        self._api = api
        self._ledger = ledger
        self._taken: set[str] = set()
        self._rounds: asyncio.Queue[Sequence[Parcel]] = asyncio.Queue(maxsize=COURIERS)

    async def run(self) -> None:
        """Work until cancelled."""
        async with asyncio.TaskGroup() as tasks:
            for _ in range(COURIERS):
                tasks.create_task(self._make_rounds())
            tasks.create_task(self._look_for_shipments())

    async def _look_for_shipments(self) -> None:
        while True:
            after: str | None = None
            while True:
                page = (await self._api.execute(SHIPMENTS_ON_THEIR_WAY, {"after": after}))["shipments"]
                for parcels in chunks(list(self._take(page["nodes"])), ROOT_FIELDS):
                    await self._rounds.put(parcels)
                if not page["pageInfo"]["hasNextPage"]:
                    break
                after = page["pageInfo"]["endCursor"]
            await asyncio.sleep(LOOK_EVERY_S)

    def _take(self, nodes: Sequence[dict[str, Any]]) -> Iterator[Parcel]:
        for node in nodes:
            order = self._ledger.orders.get(node["order"]["id"])
            if order is None or node["id"] in self._taken:
                continue
            self._taken.add(node["id"])
            fate = delivery_of(order.reference, node["warehouse"]["code"])
            yield Parcel(node["id"], node["status"] == "DISPATCHED", fate)

    async def _make_rounds(self) -> None:
        while True:
            parcels = await self._rounds.get()
            try:
                await self._carry(parcels)
            except Rejected as failure:
                log.warning("A courier's round failed.", shipments=len(parcels), why=str(failure))
                self._give_back(parcels)

    async def _carry(self, parcels: Sequence[Parcel]) -> None:
        """Collect what will be collected, then hand it over; who finds nothing to collect reports it."""
        for parcel in parcels:
            if parcel.fate is Delivery.NEVER_COLLECTED and not parcel.is_dispatched:
                await self._fail(parcel)
        collected = await self._dispatch(
            [p for p in parcels if not p.is_dispatched and p.fate is not Delivery.NEVER_COLLECTED]
        )
        carried = [parcel for parcel in parcels if parcel.is_dispatched or parcel in collected]
        for parcel in carried:
            if parcel.fate is Delivery.REFUSED_AT_DOOR:
                await self._fail(parcel)
        await self._deliver([parcel for parcel in carried if parcel.fate is not Delivery.REFUSED_AT_DOOR])

    async def _dispatch(self, parcels: Sequence[Parcel]) -> list[Parcel]:
        """The ones that were collected. One that conflicts, e.g. as just cancelled, is looked for again."""
        if not parcels:
            return []
        ids = [parcel.shipment_id for parcel in parcels]
        answers = await self._api.execute(dispatch_shipments(len(ids)), subjects(ids))
        return [
            parcel
            for parcel, answer in zip(parcels, answers.values(), strict=True)
            if self._book(parcel, answer, "dispatched")
        ]

    async def _deliver(self, parcels: Sequence[Parcel]) -> None:
        if not parcels:
            return
        ids = [parcel.shipment_id for parcel in parcels]
        answers = await self._api.execute(deliver_shipments(len(ids)), subjects(ids))
        for parcel, answer in zip(parcels, answers.values(), strict=True):
            self._book(parcel, answer, "delivered")

    async def _fail(self, parcel: Parcel) -> None:
        reason = parcel.fate.value
        variables = {"shipmentId": parcel.shipment_id, "reason": f"{reason.capitalize()}."}
        data = await self._api.execute(FAIL_SHIPMENT, variables)
        self._book(parcel, data["answer"], reason)

    def _book(self, parcel: Parcel, answer: dict[str, Any], step: str) -> bool:
        """Whether the step was taken."""
        errors = answer["userErrors"]
        if not errors:
            self._ledger.couriers[step] += 1
            self._ledger.heard(answer["shipment"]["order"])
            return True
        if errors[0]["code"] != "CONFLICT":
            log.warning("A courier was refused.", shipment_id=parcel.shipment_id, step=step, error=errors[0])
        self._ledger.couriers[f"{step}: {errors[0]['code']}"] += 1
        self._give_back([parcel])
        return False

    def _give_back(self, parcels: Sequence[Parcel]) -> None:
        """Let the next look find them again, if they are still on their way."""
        self._taken.difference_update(parcel.shipment_id for parcel in parcels)
