"""Recording, always in the transaction of what is recorded: neither exists without the other."""

from oms.domain.access.permissions import Viewer
from oms.domain.audit import store
from oms.domain.audit.model import Entry
from oms.domain.audit.store import Origin
from oms.domain.vocabulary.actor import Actor
from oms.platform.db import Tx


async def record(tx: Tx, by: Viewer | Actor, *entries: Entry, address: str | None = None) -> None:
    """Adds to the audit log. `by`: the viewer, or for a command of the operator OPERATOR.

    `address`: of somebody who is no viewer yet, such as who fails to sign in; a viewer has one.
    """
    if isinstance(by, Viewer):
        origin = Origin(by.actor, by.principal, by.session_id, by.address)
    else:
        origin = Origin(by, by.name, address=address)
    await store.add(tx, origin, entries, at=await tx.clock())
