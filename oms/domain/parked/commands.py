"""What happens to work that fails: it backs off, is parked in the end, and support retries or gives it up."""

import random
from collections.abc import Mapping
from datetime import datetime, timedelta

from oms.domain.access.permissions import Operation, Viewer, require
from oms.domain.audit.model import AuditAction
from oms.domain.audit.record import record_override
from oms.domain.fulfilment.rules import end_failed
from oms.domain.order import store as order_store
from oms.domain.order.model import Order
from oms.domain.vocabulary.actor import Actor
from oms.domain.vocabulary.errors import Code, refuse_all, refused
from oms.domain.vocabulary.events import EventType
from oms.domain.vocabulary.text import REASON_LENGTH, check_text
from oms.domain.work import store
from oms.domain.work.model import WorkKey, backoff_s, can_be_given_up
from oms.domain.work.store import Batch
from oms.platform.db import Tx


async def put_off(tx: Tx, batch: Batch, errors: Mapping[WorkKey, str], *, attempts: int, suspect: bool) -> None:
    """After a failed attempt: due again later; after the last of `attempts`, parked with an event that says why.

    What the claim no longer covers is left alone: somebody else has it, or nothing wants it done any more.
    """
    locked = await order_store.lock(tx, {key.order_id for key in errors})
    tried = {key: count for key, count in (await store.attempts_held(tx, batch)).items() if key in errors}
    parked = {key for key, count in tried.items() if count >= attempts}
    for key in sorted(parked):
        if order := locked.get(key.order_id):
            _note(order, EventType.WorkParked, key, Actor(key.queue), locked.at, reason=errors[key])
    await locked.save()
    for key, count in sorted(tried.items()):
        # Jitter keeps items that failed together from coming back together.
        delay = timedelta(seconds=backoff_s(count) * random.uniform(0.8, 1.2))  # noqa: S311 - not a secret
        await store.put_off(tx, batch, key, error=errors[key], delay=delay, park=key in parked, suspect=suspect)


async def give_back(tx: Tx, batch: Batch, *, delay: timedelta, suspect: bool) -> None:
    """After an attempt that says nothing about any one of its items: due again after `delay`, suspects one by one."""
    await order_store.lock(tx, batch.order_ids)
    await store.give_back(tx, batch, delay=delay, suspect=suspect)


async def retry(tx: Tx, viewer: Viewer, key: WorkKey) -> WorkKey:
    """Makes parked work due again. Raises Refused: FORBIDDEN, or NOT_FOUND when nothing is parked there."""
    require(viewer, Operation.MEND_WORK)
    locked = await order_store.lock(tx, [key.order_id])
    order = locked.get(key.order_id)
    if order is None or not await store.retry(tx, key):
        raise refused(Code.NOT_FOUND, "No parked work has this id; it may have been retried already.", "workId")
    _note(order, EventType.WorkRetried, key, viewer.actor, locked.at)
    await record_override(tx, viewer, AuditAction.WorkRetried, order, EventType.WorkRetried)
    await locked.save()
    return key


async def give_up(tx: Tx, viewer: Viewer, key: WorkKey, reason: str) -> WorkKey:
    """Fails the shipment whose work is parked. A charge of unknown outcome is still settled, then refunded.

    Raises Refused: FORBIDDEN; INVALID; NOT_FOUND; CONFLICT where there is no pending shipment to fail.
    """
    require(viewer, Operation.MEND_WORK)
    refuse_all(check_text(reason, "reason", most=REASON_LENGTH))
    locked = await order_store.lock(tx, [key.order_id])
    order = locked.get(key.order_id)
    if order is None or not await store.retry(tx, key):
        raise refused(Code.NOT_FOUND, "No parked work has this id; it may have been retried already.", "workId")
    shipment = order.shipment(key.shipment)
    if shipment is None or not can_be_given_up(shipment):
        raise refused(
            Code.CONFLICT,
            "Only the work of a pending shipment can be given up; retry it, or cancel the order.",
        )
    end_failed(order, shipment, by=viewer.actor, at=locked.at, reason=reason)
    await record_override(tx, viewer, AuditAction.WorkGivenUp, order, EventType.ShipmentFailed)
    await locked.save()
    return key


def _note(order: Order, event: EventType, key: WorkKey, by: Actor, at: datetime, reason: str | None = None) -> None:
    shipment = order.shipment(key.shipment)
    if shipment is None:
        order.record(event, by=by, at=at, reason=reason, queue=str(key.queue))
    else:
        order.record_for(shipment, event, by=by, at=at, reason=reason, queue=str(key.queue))
