"""Lists of orders: filtered, searched, sorted and paged, as far as the viewer may see."""

from collections.abc import Iterator, Sequence, Set
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any, Final
from uuid import UUID

from oms.domain.access.permissions import Viewer, require
from oms.domain.order.model import ORDER, OrderStatus
from oms.domain.order.policy import OrderPermission
from oms.domain.order_queries.includes import ORDER_ONLY, Includes
from oms.domain.order_queries.orders import MAX_ID, OrderSelect, SeenOrder, order_id_of
from oms.domain.order_queries.policy import SearchReason
from oms.domain.vocabulary.errors import refuse_all, refused
from oms.domain.vocabulary.ids import uuid7_floor
from oms.domain.vocabulary.machine import sql_list
from oms.domain.vocabulary.paging import Page, bad_cursor, bounded, check_first, instant_of, key_of
from oms.domain.vocabulary.text import CODE_LENGTH, check_text
from oms.domain.vocabulary.wording import wording
from oms.platform.db import Database


@dataclass(frozen=True, slots=True)
class OrderQuery:
    """Which orders; None: any. `placed_from` inclusive, `placed_to` exclusive, UTC.

    `open_or_closed_since`: open orders, and those closed at that instant or later, UTC.
    `search`: a whole order, customer or tracking reference, the start of an order reference, or a SKU.
    """

    customer_id: UUID | None = None
    statuses: frozenset[OrderStatus] | None = None
    placed_from: datetime | None = None
    placed_to: datetime | None = None
    search: str | None = None
    open_or_closed_since: datetime | None = None


class OrderSort(StrEnum):
    """The schema says what each means."""

    NEWEST_FIRST = "NEWEST_FIRST"
    WAITING_LONGEST = "WAITING_LONGEST"


async def page(
    db: Database,
    viewer: Viewer,
    query_filter: OrderQuery,
    *,
    first: int,
    after: str | None,
    sort: OrderSort = OrderSort.NEWEST_FIRST,
    includes: Includes = ORDER_ONLY,
) -> Page[SeenOrder]:
    """Raises Refused: FORBIDDEN, or INVALID."""
    require(viewer, OrderPermission.READ_ORDERS)
    search = (query_filter.search or "").strip()
    if search:
        refuse_all(check_text(search, "search", max_length=CODE_LENGTH))
    select = OrderSelect(viewer, includes)
    if sort == OrderSort.WAITING_LONGEST:
        if search:
            raise refused(
                SearchReason.SEARCH_HAS_NO_SORT,
                wording("Search results are always newest first: leave sort out."),
                "sort",
            )
        return Page.of(await _waiting_longest(db, query_filter, select, after, check_first(first) + 1), first)
    values = dict(_values(query_filter, after))
    conditions = " AND ".join(
        (select.row_filter.orders, *(_CONDITIONS[name] for name in values if name in _CONDITIONS))
    )
    form = _SEARCH if search else _form(values.keys(), of_all=select.row_filter.orders == "true")
    query = bounded(form.format(columns=select.columns, conditions=conditions), check_first(first) + 1)
    below = min((values[name] for name in ("after", "placed_to") if name in values), default=MAX_ID)
    values |= {"search": search, "open": sorted(map(str, ORDER.open)), "below": below}
    return Page.of(await select.rows(db, query, values, custom_plan=bool(search)), first)


def _form(names: Set[str], *, of_all: bool) -> str:
    """The query that an index serves. A customer's orders are few."""
    if not of_all or "customer_id" in names:
        return _BY_ID
    if "statuses" in names:
        return _BY_STATUS
    if "open_or_closed_since" in names:
        return _OPEN_OR_CLOSED
    return _BY_ID


_NEWEST: Final = "ORDER BY o.id DESC LIMIT :limit"
_CONDITIONS: Final = {
    "after": "o.id < :after",
    "customer_id": "o.customer_reference = (SELECT reference FROM customers WHERE id = :customer_id)",
    "placed_from": "o.id >= :placed_from",
    "placed_to": "o.id < :placed_to",
    "statuses": "o.status = ANY(CAST(:statuses AS text[]))",
    "open_or_closed_since": f"(o.status IN ({sql_list(ORDER.open)}) OR o.closed_at >= :open_or_closed_since)",
}
_CLOSED_SINCE: Final = "o.closed_at >= :open_or_closed_since"
_BY_ID: Final = f"SELECT {{columns}} FROM orders o WHERE {{conditions}} {_NEWEST}"  # noqa: S608 - as below
# Ids are in the order of time, so an index on (status, id) gives the newest of each status. Rows are compared rather
# than statuses: with `status =`, PostgreSQL might scan all orders by id, for it does not know how rare a status is.
_NEWEST_OF_A_STATUS: Final = """
    SELECT * FROM orders o
    WHERE (o.status, o.id) < (requested.status, :below) AND o.status >= requested.status AND {conditions}
    ORDER BY o.status DESC, o.id DESC LIMIT :limit
"""
_OLDEST_OF_A_STATUS: Final = """
    SELECT * FROM orders o
    WHERE (o.status, o.id) > (requested.status, :above) AND o.status <= requested.status AND {open}
    ORDER BY o.status, o.id LIMIT :limit
"""
_BEFORE_ALL: Final = UUID(int=0)
_BY_STATUS: Final = f"""
    SELECT {{columns}} FROM unnest(CAST(:statuses AS text[])) AS requested(status)
    CROSS JOIN LATERAL ({_NEWEST_OF_A_STATUS}) o {_NEWEST}
"""  # noqa: S608 - conditions are written here, values are bound

# An index on closed_at serves those that were closed; OFFSET 0 keeps the planner from scanning by id instead.
_OPEN_OR_CLOSED: Final = f"""
    SELECT {{columns}} FROM (
        (SELECT o.* FROM unnest(CAST(:open AS text[])) AS requested(status)
         CROSS JOIN LATERAL ({_NEWEST_OF_A_STATUS}) o)
        UNION ALL
        (SELECT * FROM (SELECT * FROM orders o WHERE {_CLOSED_SINCE} OFFSET 0) o WHERE {{conditions}} {_NEWEST})
    ) o {_NEWEST}
"""  # noqa: S608 - conditions are written here, values are bound


def _values(query_filter: OrderQuery, after: str | None) -> Iterator[tuple[str, Any]]:
    if after is not None:
        yield "after", order_id_of(after)
    if query_filter.customer_id is not None:
        yield "customer_id", query_filter.customer_id
    if query_filter.statuses is not None:
        yield "statuses", sorted(map(str, query_filter.statuses))
    if query_filter.placed_from is not None:
        yield "placed_from", uuid7_floor(query_filter.placed_from)
    if query_filter.placed_to is not None:
        yield "placed_to", uuid7_floor(query_filter.placed_to)
    if query_filter.open_or_closed_since is not None:
        yield "open_or_closed_since", query_filter.open_or_closed_since


# Each branch has an index and a limit of its own.
_SEARCH: Final = f"""
    SELECT {{columns}} FROM orders o WHERE o.id IN (
        (SELECT DISTINCT o.id FROM orders o
         JOIN order_references r ON r.order_id = o.id AND r.reference IN (o.reference, o.own_reference)
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


# The index on (status, id) gives the oldest of each open status, the one on closed_at those closed last. Within one
# statement each order is in one of the two only, even while it is being closed.
_WAITING: Final = f"""
    SELECT {{columns}} FROM (
        (SELECT o.* FROM unnest(CAST(:open AS text[])) AS requested(status)
         CROSS JOIN LATERAL ({_OLDEST_OF_A_STATUS}) o ORDER BY o.id LIMIT :limit)
        UNION ALL
        (SELECT * FROM orders o WHERE o.closed_at IS NOT NULL AND {{closed}}
         ORDER BY o.closed_at DESC, o.id DESC LIMIT :limit)
    ) o
    ORDER BY o.closed_at DESC NULLS FIRST, CASE WHEN o.closed_at IS NULL THEN o.id END, o.id DESC LIMIT :limit
"""  # noqa: S608 - conditions are written here, values are bound


async def _waiting_longest(
    db: Database, query_filter: OrderQuery, select: OrderSelect, after: str | None, limit: int
) -> Sequence[SeenOrder]:
    """Open orders, oldest first, then closed ones, most recently closed first."""
    values, above = dict(_values(query_filter, None)), _BEFORE_ALL
    is_open = [select.row_filter.orders, *(_CONDITIONS[name] for name in values if name in _CONDITIONS)]
    is_closed = [*is_open, *([_CLOSED_SINCE] if query_filter.open_or_closed_since is not None else [])]
    if query_filter.statuses is not None and query_filter.statuses <= ORDER.open:
        is_closed = ["false"]
    if after is not None:
        closed_at, key = _waiting_place(after)
        if closed_at is None:
            above = key
        else:
            is_open = ["false"]
            is_closed.append("(o.closed_at, o.id) < (:after_closed, :after)")
            values |= {"after_closed": closed_at, "after": key}
    opened = ORDER.open if query_filter.statuses is None else ORDER.open & query_filter.statuses
    parts = {"columns": select.columns, "open": " AND ".join(is_open), "closed": " AND ".join(is_closed)}
    values |= {"open": sorted(map(str, opened)), "above": above}
    return await select.rows(db, bounded(_WAITING.format(**parts), limit), values, custom_plan=True)


def _waiting_place(cursor: str) -> tuple[datetime | None, UUID]:
    """Of the last order on the previous page: when it was closed, or None, and its id."""
    closed_at, _, key = key_of(cursor).partition(" ")
    try:
        return instant_of(closed_at) if closed_at else None, UUID(hex=key)
    except ValueError:
        raise bad_cursor() from None
