"""An order's timeline: its events after a given one, as far as the viewer may see."""

from collections import defaultdict
from collections.abc import Collection
from dataclasses import dataclass
from typing import Final
from uuid import UUID

from oms.domain.access.permissions import Viewer, may
from oms.domain.concept.registry import registered
from oms.domain.order.events import SHIPMENT_PART
from oms.domain.order.policy import OrderPermission
from oms.domain.order_queries.row_filters import row_filter_of
from oms.domain.parked.events import ParkedEvent
from oms.domain.vocabulary.actor import Actor, Role
from oms.domain.vocabulary.events import Event
from oms.domain.vocabulary.paging import bad_cursor
from oms.domain.work.policy import WorkPermission
from oms.platform.db import Database, Row, statement


@dataclass(frozen=True, slots=True)
class Section:
    """A section of one order's timeline: at most `limit` events, with numbers above `after`, in their order.

    `newest_first`: the other way round, with numbers below `after`; 0: from the newest.
    """

    order_id: UUID
    after: int
    limit: int
    newest_first: bool = False


COLUMNS: Final = """e.seq, e.type, e.at, e.actor, e.actor_role,
    coalesce(e.reason, CASE WHEN e.type IN ('OrderCancelled', 'ShipmentCancelled') THEN
        (SELECT reasoned.cancel_reason FROM orders reasoned WHERE reasoned.id = e.order_id) END),
    e.subject, e.data"""
"""Of an event `e`, as event_of() expects them."""

_EVENTS: Final = f"""
    SELECT e.order_id, k.after, k.max_rows, {COLUMNS}
    FROM unnest(CAST(:orders AS uuid[]), CAST(:afters AS int[]), CAST(:limits AS int[])) AS k(order_id, after, max_rows)
    CROSS JOIN LATERAL (
        SELECT e.* FROM order_events e WHERE e.order_id = k.order_id AND {{after}} AND {{visible}}
        ORDER BY e.seq {{order}} LIMIT k.max_rows
    ) e ORDER BY e.order_id, e.seq {{order}}
"""  # noqa: S608 - conditions are written here, values are bound
_ASCENDING: Final = {"after": "e.seq > k.after", "order": ""}
_DESCENDING: Final = {"after": "e.seq < CASE k.after WHEN 0 THEN 2147483647 ELSE k.after END", "order": "DESC"}


async def events_of(db: Database, viewer: Viewer, sections: Collection[Section]) -> dict[Section, list[Event]]:
    """The events of orders that the viewer may see, each section in its order."""
    found: dict[Section, list[Event]] = {}
    for newest_first in {section.newest_first for section in sections}:
        same_way = [section for section in sections if section.newest_first == newest_first]
        found |= await _events_of(db, viewer, same_way, newest_first=newest_first)
    return found


async def _events_of(
    db: Database, viewer: Viewer, sections: Collection[Section], *, newest_first: bool
) -> dict[Section, list[Event]]:
    values = {
        "orders": [section.order_id for section in sections],
        "afters": [section.after for section in sections],
        "limits": [section.limit for section in sections],
    }
    found: dict[Section, list[Event]] = defaultdict(list)
    direction = _DESCENDING if newest_first else _ASCENDING
    query = statement(_EVENTS.format(visible=visible(viewer), **direction))
    for row in await db.rows(query, **row_filter_of(viewer).values, **values):
        order_id, after, limit = row[:3]
        found[Section(order_id, after, limit, newest_first)].append(event_of(viewer, row[3:]))
    return found


def visible(viewer: Viewer) -> str:
    """SQL condition. Without permission to see money: events without amounts, of the shipments that they see."""
    if may(viewer, OrderPermission.READ_MONEY):
        return "true"
    kinds = registered().event_kinds
    types = ", ".join(f"'{event}'" for event in sorted(kinds) if kinds[event].names_no_amount)
    return f"""e.type IN ({types}) AND EXISTS (
        SELECT FROM shipments s WHERE s.order_id = e.order_id AND e.subject = '{SHIPMENT_PART}/' || s.number
        AND {row_filter_of(viewer).shipments_of_seen})"""


def event_of(viewer: Viewer, values: Row) -> Event:
    """From values in the order of COLUMNS."""
    seq, type_, at, actor, role, reason, subject, data = values
    event = registered().event_types[type_]
    if event == ParkedEvent.WorkParked and not may(viewer, WorkPermission.READ_OPERATIONS):
        reason = None  # error messages are for those who can fix the cause
    return Event(seq, event, at, Actor(actor, Role(role) if role else None), reason, subject, data)


def seq_of(cursor: str | None) -> int:
    """The number of the event in a cursor; 0 without one. Raises Refused(INVALID)."""
    if cursor is None:
        return 0
    if not (cursor.isascii() and cursor.isdigit() and len(cursor) <= 9):
        raise bad_cursor()
    return int(cursor)
