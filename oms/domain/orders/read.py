"""Orders to look at: single ones, their lines, and pages of them, as far as the viewer may see."""

from collections import defaultdict
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any, Final
from uuid import UUID

from sqlalchemy import text

from oms.db import Database
from oms.domain.access.model import Operation, Viewer, require
from oms.domain.access.scope import Scope, scope_of
from oms.domain.ids import uuid7_floor
from oms.domain.orders.model import ORDER, Line, Order, OrderStatus
from oms.domain.paging import Page, bad_cursor, check_first, cursor_of, instant_of, key_of
from oms.domain.refusal import Code, refuse_all, refused
from oms.domain.text import CODE_LENGTH, check_text


@dataclass(frozen=True, slots=True)
class SeenOrder:
    """An order without lines and shipments, as it was at an instant of the database's clock."""

    order: Order
    at: datetime

    @property
    def cursor(self) -> str:
        return cursor_of(self.order.id.hex)

    @property
    def waiting_cursor(self) -> str:
        """Its place among those that wait longest: open ones by their id, closed ones by when they were closed."""
        closed_at = self.order.closed_at
        return cursor_of(f"{closed_at.isoformat() if closed_at else ''} {self.order.id.hex}")


_COLUMNS: Final = """
    SELECT o.id, o.reference, o.customer_id, c.reference AS customer_reference, o.currency, o.payment_method,
           o.email, o.shipping_address, o.status, o.placed_at, o.closed_at, o.action_deadline, o.last_seq,
           clock_timestamp() AS seen_at
"""
_BY: Final = _COLUMNS + "FROM orders o JOIN customers c ON c.id = o.customer_id WHERE "


async def of_ids(db: Database, viewer: Viewer, ids: Collection[UUID]) -> dict[UUID, SeenOrder]:
    """Those that exist and that the viewer may see."""
    scope = scope_of(viewer)
    found = await _rows(db, f"{_BY} o.id = ANY(CAST(:ids AS uuid[])) AND {scope.orders}", scope, ids=list(ids))
    return {seen.order.id: seen for seen in found}


async def of_shipments(db: Database, ids: Collection[UUID]) -> dict[UUID, SeenOrder]:
    """The orders of shipments that the viewer was found to see; who sees a shipment may know its order."""
    found = await _rows(db, f"{_BY} o.id = ANY(CAST(:ids AS uuid[]))", Scope("true", "true"), ids=list(ids))
    return {seen.order.id: seen for seen in found}


async def of_reference(db: Database, viewer: Viewer, reference: str) -> SeenOrder | None:
    """Raises Refused(INVALID) for what can be no reference."""
    refuse_all(check_text(reference, "reference", most=CODE_LENGTH))
    scope = scope_of(viewer)
    found = await _rows(db, f"{_BY} o.reference = :reference AND {scope.orders}", scope, reference=reference)
    return found[0] if found else None


async def _rows(db: Database, query: str, scope: Scope, **values: Any) -> list[SeenOrder]:
    async with db.reading() as conn:
        rows = (await conn.execute(text(query), {**scope.values, **values})).mappings().all()
    return [_seen(row) for row in rows]


def _seen(row: Mapping[Any, Any]) -> SeenOrder:
    values = dict(row)
    at = values.pop("seen_at")
    return SeenOrder(Order(**{**values, "status": OrderStatus(values["status"])}), at)


_LINES: Final = text(
    """
    SELECT order_id, number, sku, quantity, unit_price_minor, unavailable
    FROM order_lines WHERE order_id = ANY(CAST(:ids AS uuid[])) ORDER BY order_id, number
    """
)


async def lines_of(db: Database, ids: Collection[UUID]) -> dict[UUID, list[Line]]:
    """Lines by order, in their order."""
    lines: dict[UUID, list[Line]] = defaultdict(list)
    async with db.reading() as conn:
        for order_id, *line in await conn.execute(_LINES, {"ids": list(ids)}):
            lines[order_id].append(Line(*line))
    return lines


@dataclass(frozen=True, slots=True)
class CustomerPage:
    """A page of one customer's orders, newest first: `after` is the cursor of the last order seen."""

    customer_id: UUID
    first: int
    after: str | None = None


_OF_CUSTOMERS: Final = f"""
    {_COLUMNS}, k.page
    FROM unnest(CAST(:pages AS int[]), CAST(:customers AS uuid[]), CAST(:below AS uuid[]), CAST(:most AS int[]))
        AS k(page, customer_id, below, most)
    CROSS JOIN LATERAL (
        SELECT * FROM orders o WHERE o.customer_id = k.customer_id AND o.id < k.below AND {{visible}}
        ORDER BY o.id DESC LIMIT k.most
    ) o JOIN customers c ON c.id = o.customer_id ORDER BY o.id DESC
"""  # noqa: S608 - conditions are written here, values are bound
_BEYOND_ALL: Final = UUID(int=2**128 - 1)


async def pages_of_customers(
    db: Database, viewer: Viewer, pages: Sequence[CustomerPage]
) -> dict[CustomerPage, Page[SeenOrder]]:
    """As far as the viewer may see. Raises Refused: FORBIDDEN, or INVALID for an impossible argument."""
    require(viewer, Operation.READ_ORDERS)
    scope = scope_of(viewer)
    asked = {
        "pages": list(range(len(pages))),
        "customers": [page.customer_id for page in pages],
        "below": [_BEYOND_ALL if page.after is None else _order_of(page.after) for page in pages],
        "most": [check_first(page.first) + 1 for page in pages],
    }
    found: dict[int, list[SeenOrder]] = defaultdict(list)
    async with db.reading() as conn:
        query = text(_OF_CUSTOMERS.format(visible=scope.orders))
        for row in (await conn.execute(query, {**scope.values, **asked})).mappings():
            values = dict(row)
            found[values.pop("page")].append(_seen(values))
    return {page: Page.of(found[place], page.first) for place, page in enumerate(pages)}


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
) -> Page[SeenOrder]:
    """Raises Refused: FORBIDDEN, or INVALID for an impossible argument."""
    require(viewer, Operation.READ_ORDERS)
    search = (question.search or "").strip()
    if search:
        refuse_all(check_text(search, "search", most=CODE_LENGTH))
    scope = scope_of(viewer)
    if sort == OrderSort.WAITING_LONGEST:
        if search:
            raise refused(Code.INVALID, "What is searched for comes newest first: leave sort out.", "sort")
        return Page.of(await _waiting_longest(db, question, scope, after, check_first(first) + 1), first)
    values = dict(_values(question, after)) | {"most": check_first(first) + 1}
    conditions = " AND ".join((scope.orders, *(_CONDITIONS[name] for name in values if name in _CONDITIONS)))
    if search:
        query = _SEARCH.format(conditions=conditions)
        return Page.of(await _planned_anew(db, query, {**scope.values, **values, "search": search}), first)
    if "statuses" in values and scope.orders == "true" and question.customer_id is None:
        return Page.of(await _rows(db, _BY_STATUS.format(conditions=conditions), scope, **values), first)
    return Page.of(await _rows(db, f"{_BY} {conditions} {_NEWEST}", scope, **values), first)


OPEN: Final = frozenset(OrderStatus) - ORDER.final
_OPEN_LIST: Final = ", ".join(f"'{status}'" for status in sorted(OPEN))

_NEWEST: Final = "ORDER BY o.id DESC LIMIT :most"
_CONDITIONS: Final = {
    "after": "o.id < :after",
    "customer_id": "o.customer_id = :customer_id",
    "placed_from": "o.id >= :placed_from",
    "placed_to": "o.id < :placed_to",
    "statuses": "o.status = ANY(CAST(:statuses AS text[]))",
    "open_or_closed_since": f"(o.status IN ({_OPEN_LIST}) OR o.closed_at >= :open_or_closed_since)",
}
# Ids are in the order of time, so an index on (status, id) gives the newest of each status at once.
_BY_STATUS: Final = f"""
    {_COLUMNS} FROM unnest(CAST(:statuses AS text[])) AS wanted(status) CROSS JOIN LATERAL (
        SELECT * FROM orders o WHERE o.status = wanted.status AND {{conditions}} {_NEWEST}
    ) o JOIN customers c ON c.id = o.customer_id {_NEWEST}
"""  # noqa: S608 - conditions are written here, values are bound


def _values(question: OrderQuestion, after: str | None) -> Iterator[tuple[str, Any]]:
    if after is not None:
        yield "after", _order_of(after)
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


def _order_of(cursor: str) -> UUID:
    try:
        return UUID(hex=key_of(cursor))
    except ValueError:
        raise bad_cursor() from None


# Each branch stands on an index of its own and is bounded by itself.
_SEARCH: Final = f"""
    {_COLUMNS} FROM orders o JOIN customers c ON c.id = o.customer_id WHERE o.id IN (
        (SELECT o.id FROM orders o WHERE o.reference ^@ :search AND {{conditions}} {_NEWEST})
        UNION
        (SELECT o.id FROM orders o
         WHERE o.customer_id = (SELECT id FROM customers WHERE reference = :search) AND {{conditions}} {_NEWEST})
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
    {_COLUMNS} FROM (
        (SELECT o.* FROM unnest(CAST(:open AS text[])) AS wanted(status) CROSS JOIN LATERAL (
            SELECT * FROM orders o WHERE o.status = wanted.status AND {{open}} ORDER BY o.id LIMIT :most
        ) o ORDER BY o.id LIMIT :most)
        UNION ALL
        (SELECT * FROM orders o WHERE o.closed_at IS NOT NULL AND {{closed}}
         ORDER BY o.closed_at DESC, o.id DESC LIMIT :most)
    ) o JOIN customers c ON c.id = o.customer_id
    ORDER BY o.closed_at DESC NULLS FIRST, CASE WHEN o.closed_at IS NULL THEN o.id END, o.id DESC LIMIT :most
"""  # noqa: S608 - conditions are written here, values are bound


async def _waiting_longest(
    db: Database, question: OrderQuestion, scope: Scope, after: str | None, most: int
) -> Sequence[SeenOrder]:
    """Open ones, oldest first; after them those that are closed, closed last first."""
    values = dict(_values(question, None))
    conditions = [scope.orders, *(_CONDITIONS[name] for name in values if name in _CONDITIONS)]
    is_open, is_closed = conditions.copy(), conditions.copy()
    if question.statuses is not None and question.statuses <= OPEN:
        is_closed = ["false"]
    if after is not None:
        closed_at, values["after"] = _waiting_place(after)
        if closed_at is None:
            is_open.append("o.id > :after")
        else:
            is_open = ["false"]
            is_closed.append("(o.closed_at, o.id) < (:after_closed, :after)")
            values["after_closed"] = closed_at
    wanted = OPEN if question.statuses is None else OPEN & question.statuses
    query = _WAITING.format(open=" AND ".join(is_open), closed=" AND ".join(is_closed))
    return await _planned_anew(db, query, {**scope.values, **values, "open": sorted(map(str, wanted)), "most": most})


def _waiting_place(cursor: str) -> tuple[datetime | None, UUID]:
    """When the last order seen was closed, if it was, and its id."""
    closed_at, _, key = key_of(cursor).partition(" ")
    try:
        return instant_of(closed_at) if closed_at else None, UUID(hex=key)
    except ValueError:
        raise bad_cursor() from None


async def _planned_anew(db: Database, query: str, values: Mapping[str, Any]) -> Sequence[SeenOrder]:
    """Planned for these values: which index serves depends on how much they match."""
    async with db.transaction() as tx:
        await tx.conn.execute(text("SET LOCAL plan_cache_mode = force_custom_plan"))
        return [_seen(row) for row in (await tx.conn.execute(text(query), dict(values))).mappings()]
