"""Repairs, read for staff."""

from typing import Final
from uuid import UUID

from sqlalchemy import text

from oms.domain.access.permissions import Viewer, require
from oms.domain.vocabulary.paging import Page, check_first, key_of
from oms.platform.db import Database
from tests.new_concept.repairs.model import Repair, RepairStatus
from tests.new_concept.repairs.policy import RepairPermission

_LIST: Final = """
    SELECT id, customer_reference, complaint, status FROM repairs WHERE {beyond} ORDER BY id LIMIT :limit
"""


async def repairs(db: Database, viewer: Viewer, *, first: int, after: str | None) -> Page[Repair]:
    """Opened first first. Raises Refused: FORBIDDEN, or INVALID."""
    require(viewer, RepairPermission.READ_REPAIRS)
    values: dict[str, object] = {"limit": check_first(first) + 1}
    if after is not None:
        values["after"] = UUID(key_of(after))
    query = text(_LIST.format(beyond="true" if after is None else "id > :after"))
    async with db.reading() as conn:
        rows = (await conn.execute(query, values)).all()
    return Page.of(
        [Repair(row.id, row.customer_reference, row.complaint, RepairStatus(row.status)) for row in rows], first
    )
