"""Reading the catalogue, in the order of SKUs and codes."""

import re
from collections.abc import Collection
from typing import Any, Final

from sqlalchemy import TextClause, text

from oms.domain.access.permissions import Viewer, require
from oms.domain.catalog.model import Product, Warehouse
from oms.domain.catalog.policy import CatalogPermission
from oms.domain.vocabulary.errors import refuse_all
from oms.domain.vocabulary.paging import Page, bounded, check_first, key_of
from oms.domain.vocabulary.texts.checks import CODE_LENGTH, NAME_LENGTH, check_text
from oms.platform.db import Database, Statement

_PRODUCTS: Final = text(
    """
    SELECT sku, name, unit_price_minor, currency, tax_bps FROM products
    WHERE sku > :after AND (:currency = '' OR currency = :currency) ORDER BY sku LIMIT :limit
    """
)
# For a rare part of a name, PostgreSQL reads an index of such parts; for a frequent one, products by SKU until the page
# is full. Only statistics and the part itself tell which, so it is planned anew, and may use a bitmap.
_FOUND: Final = """
    SELECT sku, name, unit_price_minor, currency, tax_bps FROM products
    WHERE sku > :after AND (sku ^@ :search OR lower(name) LIKE '%' || lower(:part) || '%')
        AND (:currency = '' OR currency = :currency)
    ORDER BY sku LIMIT :limit
"""
# Parts are indexed by three letters, or by one at the start of a word. A search that has neither matches starts only.
_HAS_INDEXED_PART: Final = re.compile(r"[^\W_]{3}|[\W_][^\W_]")
NAME_START: Final = 2
"""So many letters are looked for at the start of names, too; fewer at the start of SKUs only."""

_STARTING: Final = f"""
    (SELECT sku, name, unit_price_minor, currency, tax_bps FROM products
     WHERE sku > :after AND sku ^@ :search AND (:currency = '' OR currency = :currency) ORDER BY sku LIMIT :limit)
    UNION
    (SELECT sku, name, unit_price_minor, currency, tax_bps FROM products
     WHERE sku > :after AND left(lower(name), {NAME_START}) = lower(:search)
         AND (:currency = '' OR currency = :currency) ORDER BY sku LIMIT :limit)
    ORDER BY sku LIMIT :limit
"""  # noqa: S608 - a constant of this module
_AS_VALUES_REQUIRE: Final = text(
    "SELECT set_config('plan_cache_mode', 'force_custom_plan', true), set_config('enable_bitmapscan', 'on', true)"
)
_SPECIAL: Final = re.compile(r"[\\%_]")
_PRODUCT: Final = text("SELECT sku, name, unit_price_minor, currency, tax_bps FROM products WHERE sku = :sku")
_WAREHOUSES: Final = text("SELECT code, name FROM warehouses WHERE code > :after ORDER BY code LIMIT :limit")

# From one currency to the next by the index: a catalogue has many products and few currencies.
_CURRENCIES: Final = text(
    """
    WITH RECURSIVE found AS (
        SELECT min(currency) AS currency FROM products
        UNION ALL
        SELECT (SELECT min(p.currency) FROM products p WHERE p.currency > found.currency)
        FROM found WHERE found.currency IS NOT NULL)
    SELECT currency FROM found WHERE currency IS NOT NULL
    """
)
_NAMES: Final = Statement("SELECT sku, name FROM products WHERE sku = ANY(CAST(:skus AS text[]))")


async def names_of(db: Database, skus: Collection[str]) -> dict[str, str]:
    """Names of existing products, by SKU. Needs no permission: a viewer who sees an order line may see what it is."""
    return {row["sku"]: row["name"] for row in await db.rows(_NAMES, skus=list(skus))}


async def products(
    db: Database,
    viewer: Viewer,
    *,
    first: int,
    after: str | None,
    search: str | None = None,
    currency: str | None = None,
) -> Page[Product]:
    """`search`: the start of a SKU, or a part of the name in either case. `currency`: only with such a price.

    Without three letters in a row, or the start of a second word, a search matches the start of a SKU, or of a name if
    it has NAME_START letters.

    Raises Refused: FORBIDDEN, or INVALID.
    """
    search = (search or "").strip()
    refuse_all(check_text(search, "search", max_length=NAME_LENGTH, blank=True))
    require(viewer, CatalogPermission.READ_CATALOG)
    values = _page(first, after) | {"currency": currency or ""}
    rows = await (_found(db, search, values) if search else _rows(db, _PRODUCTS, values))
    return Page.of([Product(*row) for row in rows], first)


async def _found(db: Database, search: str, values: dict[str, Any]) -> list[Any]:
    part = _SPECIAL.sub(r"\\\g<0>", search)
    values |= {"search": search, "part": part}
    found = _FOUND if _HAS_INDEXED_PART.search(search) else _STARTING
    query = text(bounded(found, int(values.pop("limit"))))
    async with db.transaction() as tx:
        await tx.conn.execute(_AS_VALUES_REQUIRE)
        return list((await tx.conn.execute(query, values)).all())


async def currencies(db: Database) -> list[str]:
    """Of all prices. Needs no permission: whoever sets limits has to know for which currencies."""
    async with db.reading() as conn:
        return list((await conn.execute(_CURRENCIES)).scalars())


async def product(db: Database, viewer: Viewer, sku: str) -> Product | None:
    """Raises Refused: FORBIDDEN, or INVALID for a text that no SKU can be."""
    require(viewer, CatalogPermission.READ_CATALOG)
    refuse_all(check_text(sku, "sku", max_length=CODE_LENGTH))
    async with db.reading() as conn:
        row = (await conn.execute(_PRODUCT, {"sku": sku})).one_or_none()
    return Product(*row) if row else None


async def warehouses(db: Database, viewer: Viewer, *, first: int, after: str | None) -> Page[Warehouse]:
    """Raises Refused: FORBIDDEN, or INVALID."""
    require(viewer, CatalogPermission.READ_WAREHOUSES)
    return Page.of([Warehouse(*row) for row in await _rows(db, _WAREHOUSES, _page(first, after))], first)


async def _rows(db: Database, query: TextClause, values: dict[str, Any]) -> list[Any]:
    async with db.reading() as conn:
        return list((await conn.execute(query, values)).all())


def _page(first: int, after: str | None) -> dict[str, Any]:
    return {"limit": check_first(first) + 1, "after": "" if after is None else key_of(after)}
