"""What happens to work that fails: it is retried later and finally parked; support retries it or gives it up."""

import random
from collections.abc import Mapping
from datetime import datetime, timedelta

from oms.domain.access.permissions import Viewer, require
from oms.domain.approvals.model import Act, Request
from oms.domain.approvals.rules import ALONE, SecondPerson
from oms.domain.audit.model import Entry
from oms.domain.audit.record import record
from oms.domain.order.closing import end_failed
from oms.domain.order.events import OrderEvent
from oms.domain.order.model import Order
from oms.domain.order.override import record_override
from oms.domain.order.storage.load import LockedOrders, lock
from oms.domain.parked.events import ParkedEvent
from oms.domain.parked.policy import ParkedAction, ParkedPermission, ParkedReason
from oms.domain.parked.rules import can_be_given_up
from oms.domain.vocabulary.actor import Actor
from oms.domain.vocabulary.errors import refuse_all, refused
from oms.domain.vocabulary.ids import work_id
from oms.domain.vocabulary.texts.checks import REASON_LENGTH, check_text
from oms.domain.vocabulary.wording import wording
from oms.domain.work import store
from oms.domain.work.model import WorkKey, backoff_s
from oms.domain.work.store import Batch
from oms.platform.db import Tx


async def retry_later(tx: Tx, batch: Batch, errors: Mapping[WorkKey, str], *, attempts: int, suspect: bool) -> None:
    """After a failed attempt: due again later; after the last of `attempts`, parked with an event that says why.

    Items that the claim no longer covers are left alone: another worker has them, or they are not due any more.
    """
    locked = await lock(tx, {key.subject_id for key in errors})
    tried = {key: count for key, count in (await store.claimed_attempts(tx, batch)).items() if key in errors}
    parked = {key for key, count in tried.items() if count >= attempts}
    for key in sorted(parked):
        if order := locked.get(key.subject_id):
            _note(order, ParkedEvent.WorkParked, key, Actor(key.queue), locked.at, reason=errors[key])
    await locked.save()
    for key, count in sorted(tried.items()):
        # Jitter spreads the retries of items that failed together.
        delay = timedelta(seconds=backoff_s(count) * random.uniform(0.8, 1.2))  # noqa: S311 - not a secret
        await store.retry_later(tx, batch, key, error=errors[key], delay=delay, park=key in parked, suspect=suspect)


async def nack(tx: Tx, batch: Batch, *, delay: timedelta, suspect: bool) -> None:
    """After a failure that none of the items may have caused: due again after `delay`, suspects one by one."""
    await lock(tx, batch.subject_ids)
    await store.nack(tx, batch, delay=delay, suspect=suspect)


async def retry(tx: Tx, viewer: Viewer, key: WorkKey) -> WorkKey:
    """Makes parked work of any subject due again. Raises Refused: FORBIDDEN, or NOT_FOUND if it is not parked."""
    locked, order = await _unpark(tx, viewer, key)
    if order is None:
        await record(tx, viewer, Entry(ParkedAction.WorkRetried, work_id(key.subject_id, key.part, key.queue)))
    else:
        _note(order, ParkedEvent.WorkRetried, key, viewer.actor, locked.at)
        await record_override(tx, viewer, ParkedAction.WorkRetried, order, ParkedEvent.WorkRetried)
        await locked.save()
    return key


async def give_up(tx: Tx, viewer: Viewer, key: WorkKey, reason: str, *, second_person: SecondPerson = ALONE) -> WorkKey:
    """Fails the shipment whose work is parked. A charge of unknown outcome is still settled, then refunded.

    Raises Refused: FORBIDDEN; INVALID; NOT_FOUND; CONFLICT if there is no pending shipment to fail, or if
    `second_person` must confirm it.
    """
    require(viewer, ParkedPermission.MEND_WORK)
    refuse_all(check_text(reason, "reason", max_length=REASON_LENGTH))
    locked, order = await _unpark(tx, viewer, key)
    shipment = order.shipment(key.part) if order else None
    if order is None or shipment is None or not can_be_given_up(shipment):
        message = wording("Only a job of a pending shipment can be given up; retry it, or cancel the order.")
        raise refused(ParkedReason.CANNOT_BE_GIVEN_UP, message)
    refund, work = shipment.payment.tallied_minor, work_id(key.subject_id, key.part, key.queue)
    second_person.check_refund(viewer, Request(Act.GIVE_UP_WORK, work, reason, refund, order.currency))
    end_failed(order, shipment, by=viewer.actor, at=locked.at, reason=reason)
    await record_override(tx, viewer, ParkedAction.WorkGivenUp, order, OrderEvent.ShipmentFailed)
    await locked.save()
    return key


async def _unpark(tx: Tx, viewer: Viewer, key: WorkKey) -> tuple[LockedOrders, Order | None]:
    """The order whose work it is; None if its subject is something else."""
    require(viewer, ParkedPermission.MEND_WORK)
    locked = await lock(tx, [key.subject_id])
    if not await store.unpark(tx, key):
        message = wording("No stuck job has this id; it may have been retried already.")
        raise refused(ParkedReason.NOT_PARKED, message, "workId")
    return locked, locked.get(key.subject_id)


def _note(order: Order, event: ParkedEvent, key: WorkKey, by: Actor, at: datetime, reason: str | None = None) -> None:
    shipment = order.shipment(key.part)
    if shipment is None:
        order.record(event, by=by, at=at, reason=reason, queue=key.queue)
    else:
        order.record_for(shipment, event, by=by, at=at, reason=reason, queue=key.queue)
