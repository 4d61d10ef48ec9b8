"""Recording, always in the transaction of what is recorded: neither exists without the other."""

from oms.domain.access.permissions import Viewer
from oms.domain.audit import store
from oms.domain.audit.model import Entry
from oms.domain.vocabulary.actor import Actor
from oms.platform.db import Tx


async def record(tx: Tx, by: Viewer | Actor, *entries: Entry) -> None:
    """Adds to the audit log. `by`: the viewer, or for a command of the operator OPERATOR."""
    actor, principal = (by.actor, by.principal) if isinstance(by, Viewer) else (by, by.name)
    await store.add(tx, actor, principal, entries, at=await tx.clock())
