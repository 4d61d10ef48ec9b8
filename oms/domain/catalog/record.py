"""Audit entries about changes of the catalogue and of stock."""

from collections.abc import Sequence

from oms.domain.access.permissions import Viewer
from oms.domain.audit.model import Entry
from oms.domain.audit.record import record
from oms.domain.catalog.policy import CatalogAction
from oms.domain.vocabulary.actor import Role
from oms.platform.db import Tx


async def record_changes(tx: Tx, viewer: Viewer, changes: Sequence[Entry]) -> None:
    """Each change made by a person; of a machine's request, which may hold a thousand, only their number."""
    if viewer.role != Role.SERVICE:
        await record(tx, viewer, *changes)
    elif changes:
        loaded = Entry(CatalogAction.CatalogLoaded, str(changes[0].action), after={"changed": len(changes)})
        await record(tx, viewer, loaded)
