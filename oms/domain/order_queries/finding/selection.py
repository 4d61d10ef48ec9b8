"""Which orders a filter selects, as SQL that an index serves."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from oms.domain.access.permissions import Viewer, require
from oms.domain.order.model import ORDER, OrderStatus
from oms.domain.order_queries.orders import MAX_ID, order_id_of
from oms.domain.vocabulary.errors import InputReason, refused
from oms.domain.vocabulary.ids import uuid7_floor
from oms.domain.vocabulary.machine import sql_list
from oms.domain.vocabulary.paging import MAX_PAGE_SIZE, bounded
from oms.domain.vocabulary.wording import wording
from oms.domain.work.policy import WorkPermission


@dataclass(frozen=True, slots=True)
class OrderQuery:
    """Which orders; None: any. `placed_from` inclusive, `placed_to` exclusive, UTC.

    `open_or_closed_since`: open orders, and those closed at that instant or later, UTC.
    `search`: what the orders are found by (search.py).
    `needs_attention`: only orders with stuck work. `ids`: only these orders.
    """

    customer_id: UUID | None = None
    statuses: frozenset[OrderStatus] | None = None
    placed_from: datetime | None = None
    placed_to: datetime | None = None
    search: str | None = None
    open_or_closed_since: datetime | None = None
    needs_attention: bool = False
    ids: frozenset[UUID] | None = None


def check_filter(viewer: Viewer, query_filter: OrderQuery) -> None:
    """Raises Refused: FORBIDDEN for what only some may filter by, INVALID for too many ids."""
    if query_filter.needs_attention:
        require(viewer, WorkPermission.READ_OPERATIONS)
    if query_filter.ids is not None and len(query_filter.ids) > MAX_PAGE_SIZE:
        message = wording(
            "A filter has at most {most} ids; this one has {number}.", most=MAX_PAGE_SIZE, number=len(query_filter.ids)
        )
        raise refused(InputReason.TOO_MANY, message, "filter", "ids")


_STUCK: Final = "SELECT subject_id FROM work WHERE parked_at IS NOT NULL"
NEWEST: Final = "ORDER BY o.id DESC LIMIT :limit"
_OLDEST: Final = "ORDER BY o.id LIMIT :limit"
_AFTER: Final = "o.id < :after"
_AFTER_OLDEST: Final = "o.id > :after"
CONDITIONS: Final = {
    "after": _AFTER,
    "customer_id": "o.customer_reference = (SELECT reference FROM customers WHERE id = :customer_id)",
    "placed_from": "o.id >= :placed_from",
    "placed_to": "o.id < :placed_to",
    "statuses": "o.status = ANY(CAST(:statuses AS text[]))",
    "open_or_closed_since": f"(o.status IN ({sql_list(ORDER.open)}) OR o.closed_at >= :open_or_closed_since)",
    "needs_attention": f"o.id IN ({_STUCK})",
    "ids": "o.id = ANY(CAST(:ids AS uuid[]))",
}
CLOSED_SINCE: Final = "o.closed_at >= :open_or_closed_since"
_BY_ID: Final = "SELECT {columns} FROM orders o WHERE {conditions} {age}"
_NEEDING_ATTENTION: Final = f"""
    SELECT {{columns}} FROM (SELECT DISTINCT subject_id FROM ({_STUCK}) s) stuck
    JOIN orders o ON o.id = stuck.subject_id WHERE {{conditions}} {{age}}
"""  # noqa: S608 - conditions are written here, values are bound
# Ids are in the order of time, so an index on (status, id) gives the newest of each status. Rows are compared rather
# than statuses: with `status =`, PostgreSQL might scan all orders by id, for it does not know how rare a status is.
_NEWEST_OF_A_STATUS: Final = """
    SELECT {row} FROM orders o
    WHERE (o.status, o.id) < (requested.status, :below) AND o.status >= requested.status AND {conditions}
    ORDER BY o.status DESC, o.id DESC LIMIT :limit
"""
OLDEST_OF_A_STATUS: Final = """
    SELECT {row} FROM orders o
    WHERE (o.status, o.id) > (requested.status, :above) AND o.status <= requested.status AND {conditions}
    ORDER BY o.status, o.id LIMIT :limit
"""
BEFORE_ALL: Final = UUID(int=0)
_BY_STATUS: Final = """
    SELECT {columns} FROM unnest(CAST(:statuses AS text[])) AS requested(status)
    CROSS JOIN LATERAL ({of_a_status}) o {age}
"""

# Closed orders are read by the index on closed_at. Without OFFSET 0 the planner may walk all orders by id instead.
_OPEN_OR_CLOSED: Final = f"""
    SELECT {{columns}} FROM (
        (SELECT o.* FROM unnest(CAST(:open AS text[])) AS requested(status)
         CROSS JOIN LATERAL ({{of_a_status}}) o)
        UNION ALL
        (SELECT {{row}} FROM (SELECT * FROM orders o WHERE {CLOSED_SINCE} OFFSET 0) o WHERE {{conditions}} {{age}})
    ) o {{age}}
"""  # noqa: S608 - conditions are written here, values are bound


def values_of(query_filter: OrderQuery, after: str | None) -> Iterator[tuple[str, Any]]:
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
    if query_filter.needs_attention:
        yield "needs_attention", True
    if query_filter.ids is not None:
        yield "ids", sorted(query_filter.ids)


class Selection:
    """The orders of a filter as SQL, by the index that serves it. `visible`: the viewer's condition of rows."""

    def __init__(
        self, query_filter: OrderQuery, visible: str, after: str | None = None, *, oldest: bool = False
    ) -> None:
        values = dict(values_of(query_filter, after))
        self._visible = visible
        self._oldest = oldest
        self._named = [name for name in values if name in CONDITIONS]
        bounds = [values[name] for name in ("placed_to", *(() if oldest else ("after",))) if name in values]
        self.values = values | {
            "open": sorted(map(str, ORDER.open)),
            "below": min(bounds, default=MAX_ID),
            "above": values["after"] if oldest and after is not None else BEFORE_ALL,
        }

    @property
    def conditions(self) -> str:
        """Of a row `o` of orders."""
        conditions = [self._visible, *(CONDITIONS[name] for name in self._named)]
        if self._oldest:
            conditions = [each.replace(_AFTER, _AFTER_OLDEST) for each in conditions]
        return " AND ".join(conditions)

    @property
    def is_short(self) -> bool:
        """A customer's orders are few, and so are those with stuck work."""
        return self._visible != "true" or bool({"customer_id", "ids", "needs_attention"} & set(self._named))

    def of(self, columns: str, row: str, limit: int) -> str:
        """SQL: `columns` of at most `limit` orders, sorted by age. `row`: the columns of orders that they use."""
        age, of_a_status = (_OLDEST, OLDEST_OF_A_STATUS) if self._oldest else (NEWEST, _NEWEST_OF_A_STATUS)
        chosen = self._form().replace("{of_a_status}", of_a_status)
        query = chosen.format(columns=columns, row=row, conditions=self.conditions, age=age)
        return bounded(query, limit)

    def _form(self) -> str:
        """The query that an index serves."""
        if self._visible != "true" or {"customer_id", "ids"} & set(self._named):
            return _BY_ID
        if "needs_attention" in self._named:
            return _NEEDING_ATTENTION
        if "statuses" in self._named:
            return _BY_STATUS
        return _OPEN_OR_CLOSED if "open_or_closed_since" in self._named else _BY_ID
