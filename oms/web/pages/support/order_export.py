"""Orders as CSV: read from the API page by page while it is being sent, never all at once."""

import asyncio
import csv
import io
from collections.abc import AsyncIterator, Mapping, Sequence
from decimal import Decimal
from typing import Any, Final

from babel.numbers import get_currency_precision
from starlette.responses import Response, StreamingResponse

from oms.domain.access.permissions import Viewer
from oms.web.pages.rendering.site import Site
from oms.web.pages.support.order_views import OrderList
from oms.web.server.rate_limits import RateLimited

MAX_EXPORTED: Final = 10_000
_PAGE: Final = 100
_WAIT_S: Final = 1.0
"""While the viewer's rate limit is used up: an export goes only as fast as its viewer may read."""

COLUMNS: Final = (
    "reference", "status", "customer", "placed_at", "closed_at", "currency", "total", "shipments", "delivered",
)  # fmt: skip
_BYTE_ORDER_MARK: Final = "\ufeff"
"""Spreadsheets take a file without it for another encoding than UTF-8."""

_FORMULA: Final = ("=", "+", "-", "@", "\t", "\r")


async def exported(site: Site, viewer: Viewer, listed: OrderList) -> Response:
    """Raises PageRefused before anything is sent; a failure later breaks the download off."""
    first = await _page(site, viewer, listed, listed.after)
    name = "orders.csv" if not first["pageInfo"]["hasNextPage"] else f"orders-at-most-{MAX_EXPORTED}.csv"
    headers = {"Content-Disposition": f'attachment; filename="{name}"', "Cache-Control": "no-store"}
    return StreamingResponse(_rows(site, viewer, listed, first), media_type="text/csv; charset=utf-8", headers=headers)


async def _rows(site: Site, viewer: Viewer, listed: OrderList, page: Any) -> AsyncIterator[str]:
    yield _BYTE_ORDER_MARK + _line(COLUMNS)
    sent = 0
    while True:
        yield "".join(_line(row(order)) for order in page["nodes"])
        sent += len(page["nodes"])
        if not page["pageInfo"]["hasNextPage"] or sent >= MAX_EXPORTED:
            return
        page = await _page(site, viewer, listed, page["pageInfo"]["endCursor"])


async def _page(site: Site, viewer: Viewer, listed: OrderList, after: str | None) -> Any:
    while True:
        try:
            variables = listed.variables | {"first": _PAGE, "after": after}
            return (await site.query(viewer, "support/export", variables))["orders"]
        except RateLimited:
            await asyncio.sleep(_WAIT_S)


def row(order: Mapping[str, Any]) -> list[str]:
    """The values of COLUMNS. Amounts are decimals with a point, instants ISO 8601 in UTC."""
    total, statuses = order["total"], [shipment["status"] for shipment in order["shipments"]]
    return [
        as_text(order["reference"]),
        order["status"],
        as_text(order["customer"]["reference"]),
        order["placedAt"],
        order["closedAt"] or "",
        total["currency"] if total else "",
        str(_decimal(total["amount"], total["currency"])) if total else "",
        str(len(statuses)),
        str(statuses.count("DELIVERED")),
    ]


def as_text(value: str) -> str:
    """Text that no spreadsheet takes for a formula. Source: OWASP, CSV Injection."""
    return f"'{value}" if value.startswith(_FORMULA) else value


def _decimal(minor: int, currency: str) -> Decimal:
    return Decimal(minor).scaleb(-get_currency_precision(currency))


def _line(values: Sequence[str]) -> str:
    line = io.StringIO()
    csv.writer(line).writerow(values)
    return line.getvalue()
