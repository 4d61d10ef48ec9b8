"""Reading the fraud settings and their event log."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from sqlalchemy import text

from oms.domain.access.permissions import Viewer, require
from oms.domain.fraud.events import FraudEvent
from oms.domain.fraud.model import FraudSettings
from oms.domain.fraud.policy import FraudPermission
from oms.domain.vocabulary.actor import Actor, Role
from oms.domain.vocabulary.paging import Page, bad_cursor, check_first, cursor_of, key_of
from oms.platform.db import Database


@dataclass(frozen=True, slots=True)
class SettingsEvent:
    """An event of the settings; `before` and `after` name what changed, with its old and new value."""

    seq: int
    at: datetime
    type: FraudEvent
    by: Actor
    reason: str | None
    before: dict[str, Any]
    after: dict[str, Any]

    @property
    def currency(self) -> str | None:
        """Of a spending limit."""
        return self.after.get("currency")

    @property
    def cursor(self) -> str:
        return cursor_of(str(self.seq))


_SETTINGS: Final = text("SELECT limits, maintenance, period, updated_at FROM fraud_settings WHERE id = 1")
_EVENTS: Final = text(
    """
    SELECT seq, at, type, actor, actor_role, reason, before, after FROM fraud_events
    WHERE seq < :before ORDER BY seq DESC LIMIT :limit
    """
)
_MAX_SEQ: Final = 2**31 - 1


async def settings(db: Database, viewer: Viewer) -> FraudSettings:
    """Raises Refused(FORBIDDEN)."""
    require(viewer, FraudPermission.READ_FRAUD)
    async with db.reading() as conn:
        return FraudSettings(*(await conn.execute(_SETTINGS)).one())


async def settings_log(db: Database, viewer: Viewer, *, first: int, after: str | None) -> Page[SettingsEvent]:
    """Newest first. Raises Refused: FORBIDDEN, or INVALID."""
    require(viewer, FraudPermission.READ_FRAUD)
    values = {"limit": check_first(first) + 1, "before": _seq_of(after)}
    async with db.reading() as conn:
        rows = (await conn.execute(_EVENTS, values)).all()
    return Page.of([_event(row) for row in rows], first)


def _event(row: Any) -> SettingsEvent:
    by = Actor(row.actor, Role(row.actor_role) if row.actor_role else None)
    return SettingsEvent(row.seq, row.at, FraudEvent(row.type), by, row.reason, row.before, row.after)


def _seq_of(cursor: str | None) -> int:
    if cursor is None:
        return _MAX_SEQ
    seq = key_of(cursor)
    if not (seq.isascii() and seq.isdigit() and len(seq) <= 9):
        raise bad_cursor()
    return int(seq)
