"""Recording, always in the transaction of what is recorded: neither is there without the other."""

from oms.db import Tx
from oms.domain.access.model import Viewer
from oms.domain.actor import Actor
from oms.domain.audit import store
from oms.domain.audit.model import OVERRIDING, Entry


async def record(tx: Tx, by: Viewer | Actor, *entries: Entry) -> None:
    """Adds to the audit trail. `by` is the viewer where there is one; commands give OPERATOR."""
    actor, principal = (by.actor, by.principal) if isinstance(by, Viewer) else (by, by.name)
    await store.add(tx, actor, principal, entries, at=await tx.clock())


async def record_override(tx: Tx, viewer: Viewer, entry: Entry) -> None:
    """Adds what staff did to an order; that its customer, its courier or the cart did it is no override."""
    if viewer.role in OVERRIDING:
        await record(tx, viewer, entry)
