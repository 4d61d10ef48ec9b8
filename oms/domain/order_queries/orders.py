"""Reading orders: single ones with what is read together with them, their lines, and those of a customer."""

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from oms.domain.access.permissions import Viewer, reach, require
from oms.domain.order.model import Line, Order
from oms.domain.order.policy import OrderPermission
from oms.domain.order.storage.rows import CURRENCY, LINES, ORDER_COLUMNS, order_of
from oms.domain.order_queries.includes import NONE, ORDER_ONLY, Included, Includes, included_of
from oms.domain.order_queries.includes import columns as include_columns
from oms.domain.order_queries.row_filters import row_filter_of
from oms.domain.vocabulary.errors import refuse_all
from oms.domain.vocabulary.paging import Page, bad_cursor, check_first, cursor_of, key_of
from oms.domain.vocabulary.permission import STAFF, Reach
from oms.domain.vocabulary.texts.checks import CODE_LENGTH, check_text
from oms.platform.db import Database, Row, Statement, statement


@dataclass(frozen=True, slots=True)
class SeenOrder:
    """An order without lines and shipments, as it was at an instant of the database's clock.

    `included`: what was read with it.
    """

    order: Order
    at: datetime
    included: Included = NONE

    @property
    def cursor(self) -> str:
        return cursor_of(self.order.id.hex)

    @property
    def waiting_cursor(self) -> str:
        """Its position in WAITING_LONGEST: open orders by their id, closed ones by when they were closed."""
        closed_at = self.order.closed_at
        return cursor_of(f"{closed_at.isoformat() if closed_at else ''} {self.order.id.hex}")


_COLUMNS: Final = ", ".join((*(f"o.{name}" for name in ORDER_COLUMNS), "clock_timestamp()"))
_COUNT: Final = len(ORDER_COLUMNS) + 1


async def of_ids(
    db: Database, viewer: Viewer, ids: Collection[UUID], includes: Includes = ORDER_ONLY
) -> dict[UUID, SeenOrder]:
    """By id, those that exist and that the viewer may see."""
    found = await _where(db, viewer, "o.id = ANY(CAST(:ids AS uuid[]))", includes, ids=list(ids))
    return {seen.order.id: seen for seen in found}


async def of_shipments(db: Database, ids: Collection[UUID]) -> dict[UUID, SeenOrder]:
    """The orders of shipments that the viewer may see; whoever sees a shipment may see its order."""
    query = f"SELECT {_COLUMNS} FROM orders o WHERE o.id = ANY(CAST(:ids AS uuid[]))"  # noqa: S608 - constants
    return {row[0]: _seen(row) for row in await db.rows(statement(query), ids=list(ids))}


async def of_reference(
    db: Database, viewer: Viewer, reference: str, includes: Includes = ORDER_ONLY
) -> SeenOrder | None:
    """Customers find what they called so first, others the order that is called so in the shop.

    Staff also find what one customer alone called so. Raises Refused(INVALID) for a text that no reference can be.
    """
    refuse_all(check_text(reference, "reference", max_length=CODE_LENGTH))
    condition = f"o.id = ({_named_by(viewer)})"
    found = await _where(db, viewer, condition, includes, reference=reference)
    return found[0] if found else None


_NAMED: Final = "SELECT order_id FROM order_references WHERE reference = :reference"
_NAMED_IN_SHOP: Final = f"{_NAMED} AND owner = ''"
_NAMED_BY_CUSTOMER: Final = f"{_NAMED} AND owner IN ('', :viewer_customer) ORDER BY owner DESC LIMIT 1"
_NAMED_BY_ANYBODY: Final = f"""
    coalesce(({_NAMED_IN_SHOP}),
             (SELECT min(order_id::text)::uuid FROM order_references WHERE reference = :reference HAVING count(*) = 1))
"""  # noqa: S608 - constants


def _named_by(viewer: Viewer) -> str:
    if viewer.role in STAFF:
        return _NAMED_BY_ANYBODY
    return _NAMED_BY_CUSTOMER if reach(viewer, OrderPermission.READ_ORDER) == Reach.OWN else _NAMED_IN_SHOP


def reference_for(viewer: Viewer, order: Order) -> str:
    """What the viewer calls the order: for its customer what they chose, for all others its reference in the shop."""
    is_own = reach(viewer, OrderPermission.READ_ORDER) == Reach.OWN
    return order.own_reference if is_own and order.own_reference is not None else order.reference


async def _where(db: Database, viewer: Viewer, condition: str, includes: Includes, **values: Any) -> list[SeenOrder]:
    select = OrderSelect(viewer, includes)
    rest = f"FROM orders o WHERE {condition} AND {select.row_filter.orders}"
    return await select.rows(db, f"SELECT {select.columns} {rest}", values)


class OrderSelect:
    """What to select for a viewer: any query that selects `columns` can be executed by `rows`."""

    def __init__(self, viewer: Viewer, includes: Includes) -> None:
        self._viewer = viewer
        self._includes = includes
        self.row_filter = row_filter_of(viewer)
        self.columns = _COLUMNS + include_columns(viewer, includes)

    async def rows(
        self, db: Database, query: str, values: Mapping[str, Any], *, custom_plan: bool = False
    ) -> list[SeenOrder]:
        read = db.rows_planned_anew if custom_plan else db.rows
        rows = await read(statement(query), **self.row_filter.values, **self._includes.values, **values)
        return [self._seen(row) for row in rows]

    def _seen(self, row: Row) -> SeenOrder:
        if not self._includes.parts:
            return _seen(row)
        included = included_of(self._viewer, row[CURRENCY], self._includes, row[_COUNT:])
        return _seen(row, included)


def _seen(row: Row, included: Included = NONE) -> SeenOrder:
    """From a row that begins with _COLUMNS."""
    return SeenOrder(order_of(row[: _COUNT - 1]), row[_COUNT - 1], included)


_LINES: Final = Statement(LINES)


async def lines_of(db: Database, ids: Collection[UUID]) -> dict[UUID, list[Line]]:
    """By order, in their order."""
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
    FROM unnest(CAST(:pages AS int[]), CAST(:customers AS text[]), CAST(:below AS uuid[]), CAST(:limits AS int[]))
        AS k(page, customer_reference, below, max_rows)
    CROSS JOIN LATERAL (
        SELECT * FROM orders o WHERE o.customer_reference = k.customer_reference AND o.id < k.below AND {{visible}}
        ORDER BY o.id DESC LIMIT k.max_rows
    ) o ORDER BY o.id DESC
"""  # noqa: S608 - conditions are written here, values are bound
MAX_ID: Final = UUID(int=2**128 - 1)


async def pages_of_customers(
    db: Database, viewer: Viewer, pages: Sequence[CustomerPage]
) -> dict[CustomerPage, Page[SeenOrder]]:
    """As far as the viewer may see. Raises Refused: FORBIDDEN, or INVALID."""
    require(viewer, OrderPermission.READ_ORDERS)
    row_filter = row_filter_of(viewer)
    values = {
        "pages": list(range(len(pages))),
        "customers": [page.customer_reference for page in pages],
        "below": [MAX_ID if page.after is None else order_id_of(page.after) for page in pages],
        "limits": [check_first(page.first) + 1 for page in pages],
    }
    found: dict[int, list[SeenOrder]] = defaultdict(list)
    query = statement(_OF_CUSTOMERS.format(visible=row_filter.orders))
    for place, *row in await db.rows(query, **row_filter.values, **values):
        found[place].append(_seen(row))
    return {page: Page.of(found[place], page.first) for place, page in enumerate(pages)}


def order_id_of(cursor: str) -> UUID:
    """The id in an order's cursor. Raises Refused(INVALID)."""
    try:
        return UUID(hex=key_of(cursor))
    except ValueError:
        raise bad_cursor() from None
