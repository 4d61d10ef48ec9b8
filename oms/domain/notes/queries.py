"""Reading the notes of orders."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final
from uuid import UUID

from oms.domain.access.permissions import Viewer, require
from oms.domain.notes.model import Note
from oms.domain.notes.policy import NotePermission
from oms.domain.notes.store import COLUMNS, note_of
from oms.domain.vocabulary.paging import Page, bad_cursor, check_first, key_of
from oms.platform.db import Database, Statement

_ALL: Final = 2**31 - 1
_PAGES: Final = Statement(
    f"""
    SELECT k.page, {COLUMNS}
    FROM unnest(CAST(:pages AS int[]), CAST(:orders AS uuid[]), CAST(:below AS int[]), CAST(:limits AS int[]))
        AS k(page, order_id, below, max_rows)
    CROSS JOIN LATERAL (
        SELECT * FROM order_notes n WHERE n.order_id = k.order_id AND n.number < k.below
        ORDER BY n.number DESC LIMIT k.max_rows
    ) n ORDER BY k.page, n.number DESC
    """  # noqa: S608 - names of columns
)


@dataclass(frozen=True, slots=True)
class NotePage:
    """A page of one order's notes, newest first: `after` is the cursor of the last note seen."""

    order_id: UUID
    first: int
    after: str | None = None


async def pages_of_orders(db: Database, viewer: Viewer, pages: Sequence[NotePage]) -> dict[NotePage, Page[Note]]:
    """Of orders that the viewer may see. Raises Refused: FORBIDDEN, or INVALID."""
    require(viewer, NotePermission.READ_NOTES)
    found: dict[int, list[Note]] = defaultdict(list)
    for place, *row in await db.rows(
        _PAGES,
        pages=list(range(len(pages))),
        orders=[page.order_id for page in pages],
        below=[_ALL if page.after is None else _number_of(page.after) for page in pages],
        limits=[check_first(page.first) + 1 for page in pages],
    ):
        found[place].append(note_of(row))
    return {page: Page.of(found[place], page.first) for place, page in enumerate(pages)}


def _number_of(cursor: str) -> int:
    key = key_of(cursor)
    if not (key.isascii() and key.isdigit() and len(key) <= 9):
        raise bad_cursor()
    return int(key)
