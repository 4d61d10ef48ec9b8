"""An order's trail to look at: its events after a given one, as far as the viewer may see."""

from collections import defaultdict
from collections.abc import Collection
from dataclasses import dataclass
from typing import Final
from uuid import UUID

from oms.domain.access.permissions import Operation, Viewer, may
from oms.domain.order_queries.row_filters import scope_of
from oms.domain.vocabulary.actor import Actor, Role
from oms.domain.vocabulary.events import Event
from oms.domain.vocabulary.events import EventType as E
from oms.domain.vocabulary.paging import bad_cursor
from oms.platform.db import Database, Row, statement

ABOUT_CARRYING: Final = frozenset(
    {E.ShipmentBooked, E.ShipmentDispatched, E.ShipmentDelivered, E.ShipmentFailed, E.ShipmentCancelled}
)
"""The events that are told to those who may not see money."""


@dataclass(frozen=True, slots=True)
class Stretch:
    """A part of one order's trail: at most `most` events, those with a number above `after`."""

    order_id: UUID
    after: int
    most: int


COLUMNS: Final = """e.seq, e.type, e.at, e.actor, e.actor_role,
    coalesce(e.reason, CASE WHEN e.type IN ('OrderCancelled', 'ShipmentCancelled') THEN
        (SELECT reasoned.cancel_reason FROM orders reasoned WHERE reasoned.id = e.order_id) END),
    e.shipment, e.data"""
"""Of an event `e`, as event_of() takes them."""

_EVENTS: Final = f"""
    SELECT e.order_id, k.after, k.most, {COLUMNS}
    FROM unnest(CAST(:orders AS uuid[]), CAST(:afters AS int[]), CAST(:most AS int[])) AS k(order_id, after, most)
    CROSS JOIN LATERAL (
        SELECT e.* FROM order_events e WHERE e.order_id = k.order_id AND e.seq > k.after AND {{visible}}
        ORDER BY e.seq LIMIT k.most
    ) e ORDER BY e.order_id, e.seq
"""  # noqa: S608 - conditions are written here, values are bound


async def events_of(db: Database, viewer: Viewer, stretches: Collection[Stretch]) -> dict[Stretch, list[Event]]:
    """The events of orders that the viewer was found to see, each stretch in the order it happened."""
    asked = {
        "orders": [stretch.order_id for stretch in stretches],
        "afters": [stretch.after for stretch in stretches],
        "most": [stretch.most for stretch in stretches],
    }
    found: dict[Stretch, list[Event]] = defaultdict(list)
    query = statement(_EVENTS.format(visible=visible(viewer)))
    for row in await db.rows(query, **scope_of(viewer).values, **asked):
        found[Stretch(*row[:3])].append(event_of(viewer, row[3:]))
    return found


def visible(viewer: Viewer) -> str:
    """Of the trail, who may not see money sees what concerns the carrying of the shipments they see."""
    if may(viewer, Operation.READ_MONEY):
        return "true"
    types = ", ".join(f"'{event}'" for event in sorted(ABOUT_CARRYING))
    return f"""e.type IN ({types}) AND EXISTS (
        SELECT FROM shipments s
        WHERE s.order_id = e.order_id AND s.number = e.shipment AND {scope_of(viewer).shipments_of_seen})"""


def event_of(viewer: Viewer, values: Row) -> Event:
    """From values in the order of COLUMNS."""
    seq, type_, at, actor, role, reason, shipment, data = values
    event = E(type_)
    if event == E.WorkParked and not may(viewer, Operation.READ_OPERATIONS):
        reason = None  # the text of a fault is for those who mend it
    return Event(seq, event, at, Actor(actor, Role(role) if role else None), reason, shipment, data)


def seq_of(cursor: str | None) -> int:
    """The number of the event that a cursor stands for; 0 without one. Raises Refused(INVALID)."""
    if cursor is None:
        return 0
    if not (cursor.isascii() and cursor.isdigit() and len(cursor) <= 9):
        raise bad_cursor()
    return int(cursor)
