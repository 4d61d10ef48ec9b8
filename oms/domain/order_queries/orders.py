"""Orders to look at: single ones, with what is wanted of them, their lines, and those of a customer."""

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from oms.domain.access.permissions import Operation, Viewer, require
from oms.domain.order.model import Line, Order, OrderStatus
from oms.domain.order_queries import includes
from oms.domain.order_queries.includes import NONE, THE_ORDER, Parts, Wanted
from oms.domain.order_queries.row_filters import scope_of
from oms.domain.vocabulary.errors import refuse_all
from oms.domain.vocabulary.paging import Page, bad_cursor, check_first, cursor_of, key_of
from oms.domain.vocabulary.text import CODE_LENGTH, check_text
from oms.platform.db import Database, Row, Statement, statement


@dataclass(frozen=True, slots=True)
class SeenOrder:
    """An order without lines and shipments, as it was at an instant of the database's clock.

    `parts` has what was read with it.
    """

    order: Order
    at: datetime
    parts: Parts = NONE

    @property
    def cursor(self) -> str:
        return cursor_of(self.order.id.hex)

    @property
    def waiting_cursor(self) -> str:
        """Its place among those that wait longest: open ones by their id, closed ones by when they were closed."""
        closed_at = self.order.closed_at
        return cursor_of(f"{closed_at.isoformat() if closed_at else ''} {self.order.id.hex}")


_COLUMNS: Final = """
    o.id, o.reference, o.customer_id, o.customer_reference, o.currency, o.payment_method, o.email, o.shipping_address,
    o.status, o.placed_at, o.closed_at, o.action_deadline, o.last_seq, clock_timestamp()
"""
"""In the order of Order's fields."""
_COUNT: Final = _COLUMNS.count(",") + 1
_CURRENCY: Final = 4


async def of_ids(
    db: Database, viewer: Viewer, ids: Collection[UUID], wanted: Wanted = THE_ORDER
) -> dict[UUID, SeenOrder]:
    """Those that exist and that the viewer may see."""
    found = await _where(db, viewer, "o.id = ANY(CAST(:ids AS uuid[]))", wanted, ids=list(ids))
    return {seen.order.id: seen for seen in found}


async def of_shipments(db: Database, ids: Collection[UUID]) -> dict[UUID, SeenOrder]:
    """The orders of shipments that the viewer was found to see; who sees a shipment may know its order."""
    query = f"SELECT {_COLUMNS} FROM orders o WHERE o.id = ANY(CAST(:ids AS uuid[]))"  # noqa: S608 - constants
    return {row[0]: _order(row) for row in await db.rows(statement(query), ids=list(ids))}


async def of_reference(db: Database, viewer: Viewer, reference: str, wanted: Wanted = THE_ORDER) -> SeenOrder | None:
    """Raises Refused(INVALID) for what can be no reference."""
    refuse_all(check_text(reference, "reference", most=CODE_LENGTH))
    condition = "o.id = (SELECT order_id FROM order_references WHERE reference = :reference)"
    found = await _where(db, viewer, condition, wanted, reference=reference)
    return found[0] if found else None


async def _where(db: Database, viewer: Viewer, condition: str, wanted: Wanted, **values: Any) -> list[SeenOrder]:
    asking = Asking(viewer, wanted)
    rest = f"FROM orders o WHERE {condition} AND {asking.scope.orders}"
    return await asking.rows(db, f"SELECT {asking.columns} {rest}", values)


class Asking:
    """Who asks, and what is wanted with each order: any query that selects `columns` can be answered by `rows`."""

    def __init__(self, viewer: Viewer, wanted: Wanted) -> None:
        self._viewer = viewer
        self._wanted = wanted
        self.scope = scope_of(viewer)
        self.columns = _COLUMNS + includes.columns(viewer, wanted)

    async def rows(
        self, db: Database, query: str, values: Mapping[str, Any], *, planned_anew: bool = False
    ) -> list[SeenOrder]:
        read = db.rows_planned_anew if planned_anew else db.rows
        rows = await read(statement(query), **self.scope.values, **self._wanted.values, **values)
        return [self._seen(row) for row in rows]

    def _seen(self, row: Row) -> SeenOrder:
        if not self._wanted.parts:
            return _order(row)
        return _order(row, includes.parts_of(self._viewer, row[_CURRENCY], self._wanted, row[_COUNT:]))


def _order(row: Row, with_it: Parts = NONE) -> SeenOrder:
    """From a row that begins with _COLUMNS."""
    key, reference, customer_id, customer, currency, method, email, address, status, *told, at = row[:_COUNT]
    order = Order(key, reference, customer_id, customer, currency, method, email, address, OrderStatus(status), *told)
    return SeenOrder(order, at, with_it)


_LINES: Final = Statement(
    """
    SELECT order_id, number, sku, quantity, unit_price_minor, unavailable
    FROM order_lines WHERE order_id = ANY(CAST(:ids AS uuid[])) ORDER BY order_id, number
    """
)


async def lines_of(db: Database, ids: Collection[UUID]) -> dict[UUID, list[Line]]:
    """Lines by order, in their order."""
    lines: dict[UUID, list[Line]] = defaultdict(list)
    for order_id, *line in await db.rows(_LINES, ids=list(ids)):
        lines[order_id].append(Line(*line))
    return lines


@dataclass(frozen=True, slots=True)
class CustomerPage:
    """A page of one customer's orders, newest first: `after` is the cursor of the last order seen."""

    customer_reference: str
    first: int
    after: str | None = None


_OF_CUSTOMERS: Final = f"""
    SELECT k.page, {_COLUMNS}
    FROM unnest(CAST(:pages AS int[]), CAST(:customers AS text[]), CAST(:below AS uuid[]), CAST(:most AS int[]))
        AS k(page, customer_reference, below, most)
    CROSS JOIN LATERAL (
        SELECT * FROM orders o WHERE o.customer_reference = k.customer_reference AND o.id < k.below AND {{visible}}
        ORDER BY o.id DESC LIMIT k.most
    ) o ORDER BY o.id DESC
"""  # noqa: S608 - conditions are written here, values are bound
BEYOND_ALL: Final = UUID(int=2**128 - 1)


async def pages_of_customers(
    db: Database, viewer: Viewer, pages: Sequence[CustomerPage]
) -> dict[CustomerPage, Page[SeenOrder]]:
    """As far as the viewer may see. Raises Refused: FORBIDDEN, or INVALID for an impossible argument."""
    require(viewer, Operation.READ_ORDERS)
    scope = scope_of(viewer)
    asked = {
        "pages": list(range(len(pages))),
        "customers": [page.customer_reference for page in pages],
        "below": [BEYOND_ALL if page.after is None else order_of(page.after) for page in pages],
        "most": [check_first(page.first) + 1 for page in pages],
    }
    found: dict[int, list[SeenOrder]] = defaultdict(list)
    query = statement(_OF_CUSTOMERS.format(visible=scope.orders))
    for place, *row in await db.rows(query, **scope.values, **asked):
        found[place].append(_order(row))
    return {page: Page.of(found[place], page.first) for place, page in enumerate(pages)}


def order_of(cursor: str) -> UUID:
    """The id in an order's cursor. Raises Refused(INVALID)."""
    try:
        return UUID(hex=key_of(cursor))
    except ValueError:
        raise bad_cursor() from None
