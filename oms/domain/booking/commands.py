"""Booking couriers for a batch of shipments: before and after the calls to the courier service."""

from collections.abc import Mapping
from dataclasses import dataclass

from oms.domain.booking import rules
from oms.domain.booking.rules import Booking
from oms.domain.order import store
from oms.domain.vocabulary.actor import Actor
from oms.domain.work import store as work_store
from oms.domain.work.model import Step, WorkKey, booking_step
from oms.domain.work.store import Batch
from oms.platform.db import Database, Tx


@dataclass(frozen=True, slots=True)
class ToBook:
    """A booking to be made, or one to be released."""

    key: WorkKey
    step: Step
    warehouse_code: str
    units: int
    address: Mapping[str, str | None] | None


@dataclass(frozen=True, slots=True)
class NoCourier:
    """The courier service's final refusal, with its stable reason."""

    reason: str


@dataclass(frozen=True, slots=True)
class Released:
    """The courier holds no booking."""


Answer = Booking | NoCourier | Released


async def to_book(db: Database, batch: Batch) -> list[ToBook]:
    """What the shipments of a batch call for now."""
    orders = await store.peek(db, batch.order_ids, items=True)
    return [
        ToBook(
            key,
            step,
            shipment.warehouse_code,
            sum(i.quantity for i in shipment.items),
            order.shipping_address,
        )
        for key in sorted(batch.keys)
        if (order := orders.get(key.order_id))
        and (shipment := order.shipment(key.shipment))
        and (step := booking_step(shipment))
    ]


async def record(tx: Tx, batch: Batch, answers: Mapping[WorkKey, Answer]) -> None:
    """Writes the courier service's answers, where the batch's claim still holds.

    A booking that arrives for a shipment that has ended meanwhile is not recorded: its release is what is wanted now.
    """
    locked = await store.lock(tx, batch.order_ids)
    ours = await work_store.still_held(tx, batch) & answers.keys()
    by = Actor(batch.queue)
    for key in sorted(ours):
        order = locked.orders[key.order_id]
        shipment = order.shipments[key.shipment - 1]
        match booking_step(shipment), answers[key]:
            case Step.BOOK, Booking() as booking:
                rules.booked(order, shipment, booking, by=by, at=locked.at)
            case Step.BOOK, NoCourier(reason):
                rules.no_courier(order, shipment, by=by, at=locked.at, reason=reason)
            case Step.RELEASE, Released():
                rules.released(order, shipment, by=by, at=locked.at)
    await locked.save()
    await work_store.let_go(tx, batch, locked.still_call_for(ours))
