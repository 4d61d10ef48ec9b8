"""Lists of orders: filtered, searched, sorted and paged, as far as the viewer may see."""

from collections.abc import Sequence
from datetime import datetime
from enum import StrEnum
from typing import Final
from uuid import UUID

from oms.domain.access.permissions import Viewer, require
from oms.domain.order.model import ORDER
from oms.domain.order.policy import OrderPermission
from oms.domain.order.shipment import ENDED
from oms.domain.order_queries.counts import MAX_COUNTED, counts
from oms.domain.order_queries.finding import search
from oms.domain.order_queries.finding.selection import (
    BEFORE_ALL,
    CLOSED_SINCE,
    CONDITIONS,
    OLDEST_OF_A_STATUS,
    OrderQuery,
    Selection,
    check_filter,
    values_of,
)
from oms.domain.order_queries.includes import ORDER_ONLY, Includes
from oms.domain.order_queries.orders import OrderSelect, SeenOrder, order_id_of
from oms.domain.order_queries.policy import SearchReason
from oms.domain.order_search.model import Sought
from oms.domain.vocabulary.errors import refused
from oms.domain.vocabulary.machine import sql_list
from oms.domain.vocabulary.paging import Page, bad_cursor, bounded, check_first, cursor_of, instant_of, key_of
from oms.domain.vocabulary.wording import wording
from oms.platform.db import Database, statement


class OrderSort(StrEnum):
    """The schema says what each means."""

    NEWEST_FIRST = "NEWEST_FIRST"
    OLDEST_FIRST = "OLDEST_FIRST"
    WAITING_LONGEST = "WAITING_LONGEST"
    LARGEST_TOTAL = "LARGEST_TOTAL"


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
    check_filter(viewer, query_filter)
    text = (query_filter.search or "").strip()
    sought = search.check(text) if text else None
    if sought and sort != OrderSort.NEWEST_FIRST:
        raise refused(
            SearchReason.SEARCH_HAS_NO_SORT, wording("Search results are always newest first: leave sort out."), "sort"
        )
    select, limit = OrderSelect(viewer, includes), check_first(first) + 1
    if sought:
        return await _searched(db, query_filter, select, sought, after, first)
    match sort:
        case OrderSort.WAITING_LONGEST:
            found = await _waiting_longest(db, query_filter, select, after, limit)
        case OrderSort.LARGEST_TOTAL:
            require(viewer, OrderPermission.READ_MONEY)
            found = await _largest_total(db, query_filter, select, after, limit)
        case _:
            found = await _by_age(db, query_filter, select, after, limit, oldest=sort == OrderSort.OLDEST_FIRST)
    return Page.of(found, first)


async def _by_age(
    db: Database, query_filter: OrderQuery, select: OrderSelect, after: str | None, limit: int, *, oldest: bool
) -> Sequence[SeenOrder]:
    selection = Selection(query_filter, select.row_filter.orders, after, oldest=oldest)
    return await select.rows(db, selection.of(select.columns, "o.*", limit), selection.values)


async def _searched(
    db: Database, query_filter: OrderQuery, select: OrderSelect, sought: Sought, after: str | None, first: int
) -> Page[SeenOrder]:
    visible = select.row_filter.orders
    selection = Selection(query_filter, visible, after)

    async def newest(below: UUID, limit: int) -> list[UUID]:
        walked = Selection(query_filter, visible, cursor_of(below.hex))
        query = statement(walked.of("o.id", "o.id, o.closed_at", limit))
        return [row[0] for row in await db.rows(query, **select.row_filter.values, **walked.values)]

    bounds = selection.values.get("placed_from", BEFORE_ALL), selection.values["below"]
    scope = search.Scope(selection.conditions, selection.values, *bounds, newest, selection.is_short)
    return await search.page(db, select, sought, scope, first)


# The index on (status, id) gives the oldest of each open status, the one on closed_at those closed last. Within one
# statement each order is in one of the two only, even while it is being closed.
_WAITING: Final = """
    SELECT {columns} FROM (
        (SELECT o.* FROM unnest(CAST(:open AS text[])) AS requested(status)
         CROSS JOIN LATERAL ({oldest}) o ORDER BY o.id LIMIT :limit)
        UNION ALL
        (SELECT * FROM orders o WHERE o.closed_at IS NOT NULL AND {closed}
         ORDER BY o.closed_at DESC, o.id DESC LIMIT :limit)
    ) o
    ORDER BY o.closed_at DESC NULLS FIRST, CASE WHEN o.closed_at IS NULL THEN o.id END, o.id DESC LIMIT :limit
"""


async def _waiting_longest(
    db: Database, query_filter: OrderQuery, select: OrderSelect, after: str | None, limit: int
) -> Sequence[SeenOrder]:
    """Open orders, oldest first, then closed ones, most recently closed first."""
    values, above = dict(values_of(query_filter, None)), BEFORE_ALL
    is_open = [select.row_filter.orders, *(CONDITIONS[name] for name in values if name in CONDITIONS)]
    is_closed = [*is_open, *([CLOSED_SINCE] if query_filter.open_or_closed_since is not None else [])]
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
    oldest = OLDEST_OF_A_STATUS.format(row="*", conditions=" AND ".join(is_open))
    parts = {"columns": select.columns, "oldest": oldest, "closed": " AND ".join(is_closed)}
    values |= {"open": sorted(map(str, opened)), "above": above}
    return await select.rows(db, bounded(_WAITING.format(**parts), limit), values, custom_plan=True)


def _waiting_place(cursor: str) -> tuple[datetime | None, UUID]:
    """Of the last order on the previous page: when it was closed, or None, and its id."""
    closed_at, _, key = key_of(cursor).partition(" ")
    try:
        return instant_of(closed_at) if closed_at else None, UUID(hex=key)
    except ValueError:
        raise bad_cursor() from None


# Totals are computed, so an index cannot sort by them: a filter must leave few orders. Amounts of different currencies
# are not compared. An order without a total comes last in its currency.
_TOTAL: Final = f"""
    SELECT CASE WHEN count(*) = count(s.subtotal_minor)
                THEN sum(s.subtotal_minor - s.discount_minor + s.tax_minor + s.shipping_minor) END
    FROM shipments s WHERE s.order_id = o.id AND s.status NOT IN ({sql_list(ENDED)})
"""  # noqa: S608 - statuses of the machine
_PLACE: Final = f"o.currency, -coalesce(({_TOTAL}), -1), o.id"
_BY_TOTAL: Final = f"""
    WITH placed AS MATERIALIZED (SELECT {_PLACE} FROM ({{chosen}}) o),
    listed AS MATERIALIZED (
        SELECT * FROM placed AS p(currency, rank, id) WHERE {{beyond}} ORDER BY p.currency, p.rank, p.id LIMIT :limit)
    SELECT {{columns}} FROM listed JOIN orders o ON o.id = listed.id ORDER BY listed.currency, listed.rank, listed.id
"""  # noqa: S608 - conditions are written here, values are bound
_BEYOND: Final = f"(p.currency, p.rank, p.id) > (SELECT {_PLACE} FROM orders o WHERE o.id = :last)"  # noqa: S608 - as above


async def _largest_total(
    db: Database, query_filter: OrderQuery, select: OrderSelect, after: str | None, limit: int
) -> Sequence[SeenOrder]:
    """By currency, the largest total first. Raises Refused(INVALID) if the filter leaves more than MAX_COUNTED."""
    [number] = await counts(db, select.row_filter, [query_filter])
    if number > MAX_COUNTED:
        message = wording(
            "Only {most:,} orders can be sorted by their total: choose a status, a customer, or some days.",
            most=MAX_COUNTED,
        )
        raise refused(SearchReason.TOO_MANY_TO_SORT, message, "sort")
    selection = Selection(query_filter, select.row_filter.orders)
    query = _BY_TOTAL.format(
        chosen=selection.of("o.id, o.currency", "*", MAX_COUNTED),
        columns=select.columns,
        beyond="true" if after is None else _BEYOND,
    )
    values = selection.values | ({} if after is None else {"last": order_id_of(after)})
    return await select.rows(db, bounded(query, limit), values, custom_plan=True)
