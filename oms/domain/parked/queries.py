"""Work that kept failing and waits for support."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from sqlalchemy import text

from oms.domain.access.permissions import Viewer, require
from oms.domain.concept.registry import registered
from oms.domain.concept.work import Step
from oms.domain.parked.policy import ParkedPermission
from oms.domain.vocabulary.ids import parse_work, work_id
from oms.domain.vocabulary.paging import Page, bad_cursor, check_first, cursor_of, instant_of, key_of
from oms.domain.work.model import WorkKey
from oms.platform.db import Database


@dataclass(frozen=True, slots=True)
class ParkedWork:
    """One stuck job."""

    key: WorkKey
    step: Step
    attempts: int
    last_error: str
    parked_at: datetime

    @property
    def id(self) -> str:
        return work_id(self.key.subject_id, self.key.part, self.key.queue)

    @property
    def cursor(self) -> str:
        return cursor_of(f"{self.parked_at.isoformat()} {self.id}")


_PARKED: Final = """
    SELECT subject_id, part, queue, step, attempt, coalesce(last_error, '') AS last_error, parked_at FROM work
    WHERE parked_at IS NOT NULL AND {beyond}
    ORDER BY parked_at DESC, subject_id DESC, part DESC, queue DESC LIMIT :limit
"""
_BEYOND: Final = "(parked_at, subject_id, part, queue) < (:parked_at, :subject_id, :part, :queue)"


async def parked(db: Database, viewer: Viewer, *, first: int, after: str | None) -> Page[ParkedWork]:
    """Most recently parked first. Raises Refused: FORBIDDEN, or INVALID."""
    require(viewer, ParkedPermission.MEND_WORK)
    values = {"limit": check_first(first) + 1} | (_last_seen(after) if after is not None else {})
    query = text(_PARKED.format(beyond=_BEYOND if after is not None else "true"))
    async with db.reading() as conn:
        rows = (await conn.execute(query, values)).all()
    return Page.of([_parked(row) for row in rows], first)


def _parked(row: Any) -> ParkedWork:
    key = WorkKey(row.subject_id, row.part, row.queue)
    step = registered().work_kinds[row.queue].steps(row.step)
    return ParkedWork(key, step, row.attempt, row.last_error, row.parked_at)


def _last_seen(cursor: str) -> dict[str, Any]:
    parked_at, _, work = key_of(cursor).partition(" ")
    key = parse_work(work)
    if key:
        return {"parked_at": instant_of(parked_at), "subject_id": key[0], "part": key[1], "queue": key[2]}
    raise bad_cursor()
