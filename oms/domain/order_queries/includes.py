"""What belongs to an order and is read with it, by the same statement: each part is a column that holds rows.

A statement for each part, as resolvers come to them, means a connection and a turn to the database for each: even over
one connection five of them take 216 µs of CPU for an order in detail, this one takes 155. Rows come in the driver's
binary form, with instants and numbers as they are; as JSON they take as long, and have to be read from texts then.
"""

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, Final

from oms.domain.access.permissions import Viewer
from oms.domain.order.model import Line
from oms.domain.order.shipment import Item
from oms.domain.order_queries import shipments, timeline
from oms.domain.order_queries.row_filters import scope_of
from oms.domain.order_queries.shipments import SeenShipment
from oms.domain.vocabulary.events import Event
from oms.platform.db import Row


class Part(StrEnum):
    """In the order of their columns. ITEMS are those of all shipments, NAMES those of the products on the lines."""

    LINES = "LINES"
    SHIPMENTS = "SHIPMENTS"
    ITEMS = "ITEMS"
    NAMES = "NAMES"
    EVENTS = "EVENTS"


@dataclass(frozen=True, slots=True)
class Wanted:
    """What to read with an order. Of its events at most so many, those with a number above `events_after`."""

    parts: frozenset[Part] = frozenset()
    events_after: int = 0
    events_most: int = 0

    @property
    def values(self) -> dict[str, Any]:
        """What the columns bind."""
        return {"events_after": self.events_after, "events_most": self.events_most}


THE_ORDER: Final = Wanted()
"""And nothing with it."""


@dataclass(frozen=True, slots=True)
class Parts:
    """What was read with an order, as far as it was `wanted`; the viewer may see all of it.

    `items` by the shipment's number, `names` by SKU, None for what the catalogue does not hold.
    """

    wanted: Wanted = THE_ORDER
    lines: list[Line] = field(default_factory=list)
    shipments: list[SeenShipment] = field(default_factory=list)
    items: Mapping[int, list[Item]] = field(default_factory=dict)
    names: Mapping[str, str | None] = field(default_factory=dict)
    events: list[Event] = field(default_factory=list)


NONE: Final = Parts()

_ROWS: Final[Mapping[Part, str]] = {
    Part.LINES: """
        SELECT ROW(l.number, l.sku, l.quantity, l.unit_price_minor, l.unavailable)
        FROM order_lines l WHERE l.order_id = o.id ORDER BY l.number""",
    Part.SHIPMENTS: f"""
        SELECT ROW({shipments.COLUMNS}) FROM shipments s {shipments.WAREHOUSE}
        WHERE s.order_id = o.id AND {{shipment_visible}} ORDER BY s.number""",  # noqa: S608 - conditions are written here
    Part.ITEMS: """
        SELECT ROW(a.shipment, a.line, a.sku, a.quantity, a.unit_price_minor)
        FROM allocations a WHERE a.order_id = o.id ORDER BY a.shipment, a.line""",
    Part.NAMES: """
        SELECT ROW(l.sku, p.name)
        FROM order_lines l LEFT JOIN products p ON p.sku = l.sku WHERE l.order_id = o.id""",
    Part.EVENTS: f"""
        SELECT ROW({timeline.COLUMNS}) FROM order_events e
        WHERE e.order_id = o.id AND e.seq > :events_after AND {{event_visible}} ORDER BY e.seq LIMIT :events_most""",  # noqa: S608 - as above
}  # fmt: skip


def columns(viewer: Viewer, wanted: Wanted) -> str:
    """To stand behind those of the order `o`, which the viewer may see."""
    conditions = {"shipment_visible": scope_of(viewer).shipments_of_seen, "event_visible": timeline.visible(viewer)}
    return "".join(f", ARRAY({_ROWS[part].format(**conditions)})" for part in Part if part in wanted.parts)


def parts_of(viewer: Viewer, currency: str, wanted: Wanted, values: Row) -> Parts:
    """From the values of these columns, of an order in that currency."""
    rows = dict(zip((part for part in Part if part in wanted.parts), values, strict=True))
    items: dict[int, list[Item]] = defaultdict(list)
    for number, *item in rows.get(Part.ITEMS, ()):
        items[number].append(Item(*item))
    return Parts(
        wanted,
        [Line(*line) for line in rows.get(Part.LINES, ())],
        [shipments.seen(shipment, currency) for shipment in rows.get(Part.SHIPMENTS, ())],
        items,
        dict(rows.get(Part.NAMES, ())),
        [timeline.event_of(viewer, event) for event in rows.get(Part.EVENTS, ())],
    )
