"""Opening and finishing repairs."""

from typing import Final
from uuid import UUID

from oms.domain.access.permissions import Viewer, require
from oms.domain.audit.model import Entry
from oms.domain.audit.record import record
from oms.domain.vocabulary.ids import uuid7
from oms.domain.work import store as work_store
from oms.domain.work.due import due_work
from oms.domain.work.store import Batch
from oms.platform.db import Statement, Tx
from tests.new_concept.repairs.model import REPAIR, Repair, RepairEvent, RepairStatus
from tests.new_concept.repairs.policy import RepairAction, RepairPermission

_ADD: Final = Statement(
    "INSERT INTO repairs (id, customer_reference, complaint, status) VALUES (:id, :customer, :complaint, :status)"
)
_LOCK: Final = Statement(
    "SELECT id, customer_reference, complaint, status FROM repairs WHERE id = ANY(CAST(:ids AS uuid[])) FOR UPDATE"
)
_SAVE: Final = Statement("UPDATE repairs SET status = :status WHERE id = :id")


async def open_repair(tx: Tx, viewer: Viewer, customer: str, complaint: str) -> UUID:
    """Raises Refused(FORBIDDEN)."""
    require(viewer, RepairPermission.OPEN_REPAIR)
    repair = Repair(uuid7(await tx.clock()), customer, complaint, REPAIR.after(None, RepairEvent.RepairOpened))
    await tx.run(_ADD, id=repair.id, customer=customer, complaint=complaint, status=str(repair.status))
    await work_store.adjust(tx, [{}], [due_work("repair", repair.id, repair)])
    await record(tx, viewer, Entry(RepairAction.RepairOpened, str(repair.id)))
    return repair.id


async def finish(tx: Tx, batch: Batch) -> None:
    """Finishes the repairs of a batch, where its claim still holds."""
    rows = await tx.rows(_LOCK, ids=[key.subject_id for key in await work_store.verify_claims(tx, batch)])
    for key, customer, complaint, status in rows:
        repair = Repair(key, customer, complaint, RepairStatus(status))
        before = due_work("repair", repair.id, repair)
        repair.record(RepairEvent.RepairFinished)
        await tx.run(_SAVE, id=repair.id, status=str(repair.status))
        await work_store.adjust(tx, [before], [due_work("repair", repair.id, repair)])
