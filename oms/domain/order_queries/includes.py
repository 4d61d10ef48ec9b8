"""What is read together with an order, by the same statement: each include is a column that holds rows.

One statement instead of five costs 155 µs of CPU for an order's details instead of 216. Rows arrive in the driver's
binary format; JSON takes as long and would have to be parsed.
"""

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, Final

from oms.domain.access.permissions import Viewer
from oms.domain.order.model import Line
from oms.domain.order.shipment import Item
from oms.domain.order.storage.rows import ITEM_COLUMNS, LINE_COLUMNS
from oms.domain.order_queries import shipments, timeline
from oms.domain.order_queries.row_filters import row_filter_of
from oms.domain.order_queries.shipments import SeenShipment
from oms.domain.vocabulary.events import Event
from oms.platform.db import Row


class Include(StrEnum):
    """In the order of their columns. ITEMS: of all shipments. NAMES: of the products on the lines."""

    LINES = "LINES"
    SHIPMENTS = "SHIPMENTS"
    ITEMS = "ITEMS"
    NAMES = "NAMES"
    EVENTS = "EVENTS"


@dataclass(frozen=True, slots=True)
class Includes:
    """What to read with an order: of its events at most `events_limit`, with numbers above `events_after`."""

    parts: frozenset[Include] = frozenset()
    events_after: int = 0
    events_limit: int = 0

    @property
    def values(self) -> dict[str, Any]:
        """The values that the columns bind."""
        return {"events_after": self.events_after, "events_limit": self.events_limit}


ORDER_ONLY: Final = Includes()


@dataclass(frozen=True, slots=True)
class Included:
    """What was read with an order, as far as `includes` says; the viewer may see all of it.

    `items`: by shipment number. `names`: by SKU, None for a product that the catalogue does not contain.
    """

    includes: Includes = ORDER_ONLY
    lines: list[Line] = field(default_factory=list)
    shipments: list[SeenShipment] = field(default_factory=list)
    items: Mapping[int, list[Item]] = field(default_factory=dict)
    names: Mapping[str, str | None] = field(default_factory=dict)
    events: list[Event] = field(default_factory=list)


NONE: Final = Included()

_ROWS: Final[Mapping[Include, str]] = {
    Include.LINES: f"""
        SELECT ROW({", ".join(f"l.{name}" for name in LINE_COLUMNS)})
        FROM order_lines l WHERE l.order_id = o.id ORDER BY l.number""",  # noqa: S608 - names of columns
    Include.SHIPMENTS: f"""
        SELECT ROW({shipments.COLUMNS}) FROM shipments s {shipments.WAREHOUSE}
        WHERE s.order_id = o.id AND {{shipment_visible}} ORDER BY s.number""",  # noqa: S608 - conditions are written here
    Include.ITEMS: f"""
        SELECT ROW(a.shipment, {", ".join(f"a.{name}" for name in ITEM_COLUMNS)})
        FROM allocations a WHERE a.order_id = o.id ORDER BY a.shipment, a.line""",  # noqa: S608 - names of columns
    Include.NAMES: """
        SELECT ROW(l.sku, p.name)
        FROM order_lines l LEFT JOIN products p ON p.sku = l.sku WHERE l.order_id = o.id""",
    Include.EVENTS: f"""
        SELECT ROW({timeline.COLUMNS}) FROM order_events e
        WHERE e.order_id = o.id AND e.seq > :events_after AND {{event_visible}} ORDER BY e.seq LIMIT :events_limit""",  # noqa: S608 - as above
}  # fmt: skip


def columns(viewer: Viewer, includes: Includes) -> str:
    """SQL columns that follow those of the order `o`, which the viewer may see."""
    conditions = {
        "shipment_visible": row_filter_of(viewer).shipments_of_seen,
        "event_visible": timeline.visible(viewer),
    }
    return "".join(f", ARRAY({_ROWS[part].format(**conditions)})" for part in Include if part in includes.parts)


def included_of(viewer: Viewer, currency: str, includes: Includes, values: Row) -> Included:
    """From the values of these columns."""
    rows = dict(zip((part for part in Include if part in includes.parts), values, strict=True))
    items: dict[int, list[Item]] = defaultdict(list)
    for number, *item in rows.get(Include.ITEMS, ()):
        items[number].append(Item(*item))
    return Included(
        includes,
        [Line(*line) for line in rows.get(Include.LINES, ())],
        [shipments.seen(shipment, currency) for shipment in rows.get(Include.SHIPMENTS, ())],
        items,
        dict(rows.get(Include.NAMES, ())),
        [timeline.event_of(viewer, event) for event in rows.get(Include.EVENTS, ())],
    )
