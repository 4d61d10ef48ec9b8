"""Lists of orders: filtered, searched and sorted, by pages, as far as the viewer may see."""

from collections.abc import Iterator, Sequence, Set
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any, Final
from uuid import UUID

from oms.domain.access.permissions import Operation, Viewer, require
from oms.domain.order.model import ORDER, OrderStatus
from oms.domain.order_queries.includes import THE_ORDER, Wanted
from oms.domain.order_queries.orders import BEYOND_ALL, Asking, SeenOrder, order_of
from oms.domain.vocabulary.errors import Code, refuse_all, refused
from oms.domain.vocabulary.ids import uuid7_floor
from oms.domain.vocabulary.paging import Page, bad_cursor, bounded, check_first, instant_of, key_of
from oms.domain.vocabulary.text import CODE_LENGTH, check_text
from oms.platform.db import Database


@dataclass(frozen=True, slots=True)
class OrderQuestion:
    """Which orders are asked for; None: any. `placed_from` inclusive, `placed_to` exclusive, UTC.

    `open_or_closed_since`: those that are open, and those closed at that instant or later, UTC.
    `search`: a whole order, customer or tracking reference, the start of an order reference, or a SKU.
    """

    customer_id: UUID | None = None
    statuses: frozenset[OrderStatus] | None = None
    placed_from: datetime | None = None
    placed_to: datetime | None = None
    search: str | None = None
    open_or_closed_since: datetime | None = None


class OrderSort(StrEnum):
    """In which order orders are listed; what each means stands in the schema."""

    NEWEST_FIRST = "NEWEST_FIRST"
    WAITING_LONGEST = "WAITING_LONGEST"


async def page(
    db: Database,
    viewer: Viewer,
    question: OrderQuestion,
    *,
    first: int,
    after: str | None,
    sort: OrderSort = OrderSort.NEWEST_FIRST,
    wanted: Wanted = THE_ORDER,
) -> Page[SeenOrder]:
    """Raises Refused: FORBIDDEN, or INVALID for an impossible argument."""
    require(viewer, Operation.READ_ORDERS)
    search = (question.search or "").strip()
    if search:
        refuse_all(check_text(search, "search", most=CODE_LENGTH))
    asking = Asking(viewer, wanted)
    if sort == OrderSort.WAITING_LONGEST:
        if search:
            raise refused(Code.INVALID, "What is searched for comes newest first: leave sort out.", "sort")
        return Page.of(await _waiting_longest(db, question, asking, after, check_first(first) + 1), first)
    values = dict(_values(question, after))
    conditions = " AND ".join((asking.scope.orders, *(_CONDITIONS[name] for name in values if name in _CONDITIONS)))
    form = _SEARCH if search else _form(values.keys(), of_all=asking.scope.orders == "true")
    query = bounded(form.format(columns=asking.columns, conditions=conditions), check_first(first) + 1)
    below = min((values[name] for name in ("after", "placed_to") if name in values), default=BEYOND_ALL)
    values |= {"search": search, "open": sorted(map(str, OPEN)), "below": below}
    return Page.of(await asking.rows(db, query, values, planned_anew=bool(search)), first)


def _form(names: Set[str], *, of_all: bool) -> str:
    """The query that has an index to begin with. A customer's orders are few."""
    if not of_all or "customer_id" in names:
        return _BY_ID
    if "statuses" in names:
        return _BY_STATUS
    if "open_or_closed_since" in names:
        return _OPEN_OR_CLOSED
    return _BY_ID


OPEN: Final = frozenset(OrderStatus) - ORDER.final
_OPEN_LIST: Final = ", ".join(f"'{status}'" for status in sorted(OPEN))

_NEWEST: Final = "ORDER BY o.id DESC LIMIT :most"
_CONDITIONS: Final = {
    "after": "o.id < :after",
    "customer_id": "o.customer_reference = (SELECT reference FROM customers WHERE id = :customer_id)",
    "placed_from": "o.id >= :placed_from",
    "placed_to": "o.id < :placed_to",
    "statuses": "o.status = ANY(CAST(:statuses AS text[]))",
    "open_or_closed_since": f"(o.status IN ({_OPEN_LIST}) OR o.closed_at >= :open_or_closed_since)",
}
_CLOSED_SINCE: Final = "o.closed_at >= :open_or_closed_since"
"""Where an index on when they were closed is to end."""
_BY_ID: Final = f"SELECT {{columns}} FROM orders o WHERE {{conditions}} {_NEWEST}"  # noqa: S608 - as below
# Ids are in the order of time, so an index on (status, id) gives the newest of each status at once. Rows are compared
# rather than statuses: were these equal, the order would be that of ids alone, and PostgreSQL might go through all
# orders by those, for it does not know how rare a status is.
_NEWEST_OF_A_STATUS: Final = """
    SELECT * FROM orders o
    WHERE (o.status, o.id) < (wanted.status, :below) AND o.status >= wanted.status AND {conditions}
    ORDER BY o.status DESC, o.id DESC LIMIT :most
"""
_OLDEST_OF_A_STATUS: Final = """
    SELECT * FROM orders o
    WHERE (o.status, o.id) > (wanted.status, :above) AND o.status <= wanted.status AND {open}
    ORDER BY o.status, o.id LIMIT :most
"""
_BEFORE_ALL: Final = UUID(int=0)
_BY_STATUS: Final = f"""
    SELECT {{columns}} FROM unnest(CAST(:statuses AS text[])) AS wanted(status)
    CROSS JOIN LATERAL ({_NEWEST_OF_A_STATUS}) o {_NEWEST}
"""  # noqa: S608 - conditions are written here, values are bound

# Those closed in a time come from an index on it; the fence (OFFSET 0) keeps the planner from going by their ids.
_OPEN_OR_CLOSED: Final = f"""
    SELECT {{columns}} FROM (
        (SELECT o.* FROM unnest(CAST(:open AS text[])) AS wanted(status)
         CROSS JOIN LATERAL ({_NEWEST_OF_A_STATUS}) o)
        UNION ALL
        (SELECT * FROM (SELECT * FROM orders o WHERE {_CLOSED_SINCE} OFFSET 0) o WHERE {{conditions}} {_NEWEST})
    ) o {_NEWEST}
"""  # noqa: S608 - conditions are written here, values are bound


def _values(question: OrderQuestion, after: str | None) -> Iterator[tuple[str, Any]]:
    if after is not None:
        yield "after", order_of(after)
    if question.customer_id is not None:
        yield "customer_id", question.customer_id
    if question.statuses is not None:
        yield "statuses", sorted(map(str, question.statuses))
    if question.placed_from is not None:
        yield "placed_from", uuid7_floor(question.placed_from)
    if question.placed_to is not None:
        yield "placed_to", uuid7_floor(question.placed_to)
    if question.open_or_closed_since is not None:
        yield "open_or_closed_since", question.open_or_closed_since


# Each branch stands on an index of its own and is bounded by itself.
_SEARCH: Final = f"""
    SELECT {{columns}} FROM orders o WHERE o.id IN (
        (SELECT o.id FROM orders o JOIN order_references r ON r.order_id = o.id AND r.reference = o.reference
         WHERE r.reference ^@ :search AND {{conditions}} {_NEWEST})
        UNION
        (SELECT o.id FROM orders o WHERE o.customer_reference = :search AND {{conditions}} {_NEWEST})
        UNION
        (SELECT o.id FROM orders o JOIN shipments t ON t.order_id = o.id
         WHERE t.tracking_number = :search AND {{conditions}} {_NEWEST})
        UNION
        (SELECT DISTINCT o.id FROM orders o JOIN order_lines l ON l.order_id = o.id
         WHERE l.sku = :search AND {{conditions}} {_NEWEST})
    ) {_NEWEST}
"""  # noqa: S608 - conditions are written here, values are bound


# The oldest of each open status come from the index on (status, id), those closed last from the one on closed_at.
# One statement sees each order in one of the two only, even while it is being closed.
_WAITING: Final = f"""
    SELECT {{columns}} FROM (
        (SELECT o.* FROM unnest(CAST(:open AS text[])) AS wanted(status)
         CROSS JOIN LATERAL ({_OLDEST_OF_A_STATUS}) o ORDER BY o.id LIMIT :most)
        UNION ALL
        (SELECT * FROM orders o WHERE o.closed_at IS NOT NULL AND {{closed}}
         ORDER BY o.closed_at DESC, o.id DESC LIMIT :most)
    ) o
    ORDER BY o.closed_at DESC NULLS FIRST, CASE WHEN o.closed_at IS NULL THEN o.id END, o.id DESC LIMIT :most
"""  # noqa: S608 - conditions are written here, values are bound


async def _waiting_longest(
    db: Database, question: OrderQuestion, asking: Asking, after: str | None, most: int
) -> Sequence[SeenOrder]:
    """Open ones, oldest first; after them those that are closed, closed last first."""
    values, above = dict(_values(question, None)), _BEFORE_ALL
    is_open = [asking.scope.orders, *(_CONDITIONS[name] for name in values if name in _CONDITIONS)]
    is_closed = [*is_open, *([_CLOSED_SINCE] if question.open_or_closed_since is not None else [])]
    if question.statuses is not None and question.statuses <= OPEN:
        is_closed = ["false"]
    if after is not None:
        closed_at, key = _waiting_place(after)
        if closed_at is None:
            above = key
        else:
            is_open = ["false"]
            is_closed.append("(o.closed_at, o.id) < (:after_closed, :after)")
            values |= {"after_closed": closed_at, "after": key}
    opened = OPEN if question.statuses is None else OPEN & question.statuses
    parts = {"columns": asking.columns, "open": " AND ".join(is_open), "closed": " AND ".join(is_closed)}
    values |= {"open": sorted(map(str, opened)), "above": above}
    return await asking.rows(db, bounded(_WAITING.format(**parts), most), values, planned_anew=True)


def _waiting_place(cursor: str) -> tuple[datetime | None, UUID]:
    """When the last order seen was closed, if it was, and its id."""
    closed_at, _, key = key_of(cursor).partition(" ")
    try:
        return instant_of(closed_at) if closed_at else None, UUID(hex=key)
    except ValueError:
        raise bad_cursor() from None
