"""Booking couriers for a batch of shipments: the transactions before and after the calls to the courier service."""

from collections.abc import Mapping
from dataclasses import dataclass

from oms.domain.booking import rules
from oms.domain.booking.rules import Booking, BookingStep
from oms.domain.order.storage.load import lock, peek
from oms.domain.vocabulary.actor import Actor
from oms.domain.work import store as work_store
from oms.domain.work.model import WorkKey
from oms.domain.work.store import Batch
from oms.platform.db import Database, Tx


@dataclass(frozen=True, slots=True)
class ToBook:
    """A booking to be made, or one to be released."""

    key: WorkKey
    step: BookingStep
    warehouse_code: str
    units: int
    address: Mapping[str, str | None] | None


@dataclass(frozen=True, slots=True)
class NoCourier:
    """The courier service refused for good, for a stable reason."""

    reason: str


@dataclass(frozen=True, slots=True)
class Released:
    """The courier holds no booking."""


Answer = Booking | NoCourier | Released


async def to_book(db: Database, batch: Batch) -> list[ToBook]:
    """What to request for the shipments of a batch."""
    orders = await peek(db, batch.subject_ids, items=True)
    return [
        ToBook(
            key,
            step,
            shipment.warehouse_code,
            sum(i.quantity for i in shipment.items),
            order.details.shipping_address,
        )
        for key in sorted(batch.keys)
        if (order := orders.get(key.subject_id))
        and (shipment := order.shipment(key.part))
        and (step := rules.step_of(shipment))
    ]


async def record(tx: Tx, batch: Batch, answers: Mapping[WorkKey, Answer]) -> None:
    """Records the courier service's answers, if the batch's claim still holds.

    A booking for a shipment that has ended meanwhile is not recorded: it is due to be released.
    """
    locked = await lock(tx, batch.subject_ids)
    ours = await work_store.verify_claims(tx, batch) & answers.keys()
    by = Actor(batch.queue)
    for key in sorted(ours):
        order = locked.orders[key.subject_id]
        shipment = order.shipments[key.part - 1]
        match rules.step_of(shipment), answers[key]:
            case BookingStep.BOOK, Booking() as booking:
                rules.booked(order, shipment, booking, by=by, at=locked.at)
            case BookingStep.BOOK, NoCourier(reason):
                rules.no_courier(order, shipment, by=by, at=locked.at, reason=reason)
            case BookingStep.RELEASE, Released():
                rules.released(order, shipment, by=by, at=locked.at)
    await locked.save()
    await work_store.ack(tx, batch, locked.still_due(ours))
