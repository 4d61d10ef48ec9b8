"""The catalogue to look at, in the order of SKUs and codes."""

from collections.abc import Collection
from typing import Any, Final

from sqlalchemy import TextClause, text

from oms.db import Database
from oms.domain.access.model import Operation, Viewer, require
from oms.domain.catalog.model import Product, Warehouse
from oms.domain.paging import Page, check_first, key_of

_PRODUCTS: Final = text(
    """
    SELECT sku, name, unit_price_minor, currency, tax_bps FROM products
    WHERE sku > :after ORDER BY sku LIMIT :most
    """
)
_WAREHOUSES: Final = text("SELECT code, name FROM warehouses WHERE code > :after ORDER BY code LIMIT :most")

_NAMES: Final = text("SELECT sku, name FROM products WHERE sku = ANY(CAST(:skus AS text[]))")


async def names_of(db: Database, skus: Collection[str]) -> dict[str, str]:
    """Names of products by SKU, of those that exist; whoever may see a line may know what it is."""
    async with db.reading() as conn:
        return {row.sku: row.name for row in await conn.execute(_NAMES, {"skus": list(skus)})}


async def products(db: Database, viewer: Viewer, *, first: int, after: str | None) -> Page[Product]:
    """Raises Refused: FORBIDDEN, or INVALID."""
    return Page.of([Product(*row) for row in await _rows(db, viewer, _PRODUCTS, first, after)], first)


async def warehouses(db: Database, viewer: Viewer, *, first: int, after: str | None) -> Page[Warehouse]:
    """Raises Refused: FORBIDDEN, or INVALID."""
    return Page.of([Warehouse(*row) for row in await _rows(db, viewer, _WAREHOUSES, first, after)], first)


async def _rows(db: Database, viewer: Viewer, query: TextClause, first: int, after: str | None) -> list[Any]:
    require(viewer, Operation.READ_CATALOG)
    values = {"most": check_first(first) + 1, "after": "" if after is None else key_of(after)}
    async with db.reading() as conn:
        return list((await conn.execute(query, values)).all())
