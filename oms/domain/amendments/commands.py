"""What customers and the system do with amended orders."""

from uuid import UUID

from oms.domain.access.permissions import Viewer
from oms.domain.amendments import rules
from oms.domain.amendments.policy import AmendmentPermission
from oms.domain.order.access import lock_for
from oms.domain.order.storage.load import lock
from oms.domain.vocabulary.actor import Actor
from oms.domain.work import store as work_store
from oms.domain.work.store import Batch
from oms.platform.db import Tx


async def accept(tx: Tx, viewer: Viewer, order_id: UUID) -> UUID:
    """Raises Refused: FORBIDDEN, NOT_FOUND, or CONFLICT as rules.accept() says."""
    locked, order = await lock_for(tx, viewer, order_id, AmendmentPermission.ACCEPT_AMENDMENT)
    rules.accept(order, by=viewer.actor, at=locked.at)
    await locked.save()
    return order_id


async def time_out(tx: Tx, batch: Batch) -> None:
    """Ends the amended orders of a batch whose customers did not answer."""
    locked = await lock(tx, batch.subject_ids)
    ours = await work_store.verify_claims(tx, batch)
    for key in sorted(ours):
        if order := locked.get(key.subject_id):
            rules.time_out(order, by=Actor(batch.queue), at=locked.at)
    await locked.save()
    await work_store.ack(tx, batch, locked.still_due(ours))
