"""Recording, always in the transaction of what is recorded: neither is there without the other."""

from collections.abc import Sequence

from oms.domain.access.permissions import Viewer
from oms.domain.audit import store
from oms.domain.audit.model import OVERRIDING, AuditAction, Entry
from oms.domain.order.model import Order
from oms.domain.vocabulary.actor import Actor, Role
from oms.domain.vocabulary.events import EventType
from oms.domain.vocabulary.ids import order_id
from oms.platform.db import Tx


async def record(tx: Tx, by: Viewer | Actor, *entries: Entry) -> None:
    """Adds to the audit trail. `by` is the viewer where there is one; commands give OPERATOR."""
    actor, principal = (by.actor, by.principal) if isinstance(by, Viewer) else (by, by.name)
    await store.add(tx, actor, principal, entries, at=await tx.clock())


async def record_changes(tx: Tx, viewer: Viewer, changes: Sequence[Entry]) -> None:
    """Adds what a person changed in the catalogue, entry by entry; of a machine's load only how much it changed."""
    if viewer.role != Role.SERVICE:
        await record(tx, viewer, *changes)
    elif changes:
        await record(
            tx, viewer, Entry(AuditAction.CatalogLoaded, str(changes[0].action), after={"changed": len(changes)})
        )


async def record_override(tx: Tx, viewer: Viewer, action: AuditAction, order: Order, event: EventType) -> None:
    """Refers to the event of an order that is about to be saved, if staff caused it.

    That its customer, its courier or the cart did it is no override.
    """
    if viewer.role in OVERRIDING:
        seq = next(new.seq for new in order.news if new.type == event)
        await record(tx, viewer, Entry(action, order_id(order.id), order_id=order.id, seq=seq))
