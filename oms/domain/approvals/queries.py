"""Reading what waits for a second person."""

from typing import Final
from uuid import UUID

from sqlalchemy import text

from oms.domain.access.permissions import Viewer, require
from oms.domain.approvals.model import Waiting
from oms.domain.approvals.policy import ApprovalPermission
from oms.domain.approvals.store import COLUMNS, waiting_of
from oms.domain.vocabulary.ids import NO_ID
from oms.domain.vocabulary.paging import Page, bad_cursor, check_first, key_of
from oms.platform.db import Database

_WAITING: Final = text(
    f"SELECT {COLUMNS} FROM approvals WHERE decided_at IS NULL AND id > :after ORDER BY id LIMIT :limit"  # noqa: S608 - a constant
)


async def waiting(db: Database, viewer: Viewer, *, first: int, after: str | None) -> Page[Waiting]:
    """Oldest first. Raises Refused: FORBIDDEN, or INVALID."""
    require(viewer, ApprovalPermission.CONFIRM_ACT)
    values = {"limit": check_first(first) + 1, "after": NO_ID if after is None else _id_of(after)}
    async with db.reading() as conn:
        return Page.of([waiting_of(row) for row in await conn.execute(_WAITING, values)], first)


def _id_of(cursor: str) -> UUID:
    try:
        return UUID(hex=key_of(cursor))
    except ValueError:
        raise bad_cursor() from None
