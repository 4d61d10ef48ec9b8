"""Products and warehouses in PostgreSQL."""

from collections.abc import Collection
from typing import Final

from oms.domain.catalog.model import Product, Warehouse
from oms.platform.db import Database, Statement, Tx, columns

_PRODUCTS: Final = Statement(
    """
    SELECT sku, name, unit_price_minor, currency, tax_bps FROM products
    WHERE sku = ANY(CAST(:skus AS text[]))
    """
)


async def of_skus(source: Tx | Database, skus: Collection[str]) -> dict[str, Product]:
    """Those that exist, by SKU."""
    return {row[0]: Product(*row) for row in await source.rows(_PRODUCTS, skus=list(skus))}


_HAS_PRICE: Final = Statement("SELECT EXISTS (SELECT FROM products WHERE currency = :currency)")


async def has_price_in(tx: Tx, currency: str) -> bool:
    """Whether any product has a price in this currency."""
    return bool((await tx.rows(_HAS_PRICE, currency=currency))[0][0])


_WAREHOUSES: Final = Statement("SELECT code FROM warehouses WHERE code = ANY(CAST(:codes AS text[]))")


async def known_warehouses(tx: Tx, codes: Collection[str]) -> frozenset[str]:
    return frozenset(code for (code,) in await tx.rows(_WAREHOUSES, codes=list(codes)))


_UPSERT_WAREHOUSES: Final = Statement(
    """
    INSERT INTO warehouses (code, name)
    SELECT code, name FROM unnest(CAST(:codes AS text[]), CAST(:names AS text[])) AS t(code, name) ORDER BY code
    ON CONFLICT (code) DO UPDATE SET name = excluded.name WHERE warehouses.name <> excluded.name
    RETURNING new.code, new.name, old.code, old.name
    """
)


async def upsert_warehouses(tx: Tx, new: Collection[Warehouse]) -> list[tuple[Warehouse | None, Warehouse]]:
    """(before, after) of each row that changed; before is None for a new one."""
    rows = await tx.rows(_UPSERT_WAREHOUSES, **columns(("codes", "names"), [(w.code, w.name) for w in new]))
    return [(Warehouse(*row[2:]) if row[2] is not None else None, Warehouse(*row[:2])) for row in rows]


_UPSERT_PRODUCTS: Final = Statement(
    """
    INSERT INTO products (sku, name, unit_price_minor, currency, tax_bps)
    SELECT * FROM unnest(CAST(:skus AS text[]), CAST(:names AS text[]), CAST(:prices AS bigint[]),
                         CAST(:currencies AS text[]), CAST(:taxes AS int[])) AS t(sku, name, price, currency, tax)
    ORDER BY sku
    ON CONFLICT (sku) DO UPDATE
    SET name = excluded.name, unit_price_minor = excluded.unit_price_minor, currency = excluded.currency,
        tax_bps = excluded.tax_bps
    WHERE (products.name, products.unit_price_minor, products.currency, products.tax_bps)
        IS DISTINCT FROM (excluded.name, excluded.unit_price_minor, excluded.currency, excluded.tax_bps)
    RETURNING new.sku, new.name, new.unit_price_minor, new.currency, new.tax_bps,
              old.sku, old.name, old.unit_price_minor, old.currency, old.tax_bps
    """
)


_REMOVE_TERMS: Final = Statement("DELETE FROM product_terms WHERE sku = ANY(CAST(:skus AS text[]))")
_ADD_TERMS: Final = Statement(
    "INSERT INTO product_terms (sku, term) SELECT * FROM unnest(CAST(:skus AS text[]), CAST(:terms AS text[]))"
)


async def _write_terms(tx: Tx, changed: Collection[Product]) -> None:
    if changed:
        await tx.run(_REMOVE_TERMS, skus=[product.sku for product in changed])
        terms = [(product.sku, term) for product in changed for term in sorted(product.terms())]
        await tx.run(_ADD_TERMS, **columns(("skus", "terms"), terms))


async def upsert_products(tx: Tx, new: Collection[Product]) -> list[tuple[Product | None, Product]]:
    """(before, after) of each row that changed; before is None for a new one."""
    values = [(p.sku, p.name, p.unit_price_minor, p.currency, p.tax_bps) for p in new]
    rows = await tx.rows(_UPSERT_PRODUCTS, **columns(("skus", "names", "prices", "currencies", "taxes"), values))
    await _write_terms(tx, [Product(*row[:5]) for row in rows])
    return [(Product(*row[5:]) if row[5] is not None else None, Product(*row[:5])) for row in rows]
