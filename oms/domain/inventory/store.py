"""Stock levels in PostgreSQL: 0 ≤ allocated ≤ on hand, always locked in the order of (SKU, warehouse)."""

from collections.abc import Collection, Mapping
from typing import Final

from oms.platform.db import Database, Statement, Tx, columns

StockKey = tuple[str, str]
"""SKU and warehouse code."""

_LOCK: Final = Statement(
    """
    SELECT sku, warehouse_code, on_hand - allocated FROM stock
    WHERE sku = ANY(CAST(:skus AS text[])) ORDER BY sku, warehouse_code FOR UPDATE
    """
)


async def lock_available(tx: Tx, skus: Collection[str]) -> dict[str, dict[str, int]]:
    """Units available by SKU and warehouse; nobody else changes them until the transaction ends."""
    available: dict[str, dict[str, int]] = {}
    for sku, code, units in await tx.rows(_LOCK, skus=list(skus)):
        available.setdefault(sku, {})[code] = units
    return available


_AVAILABLE: Final = Statement(_LOCK.text.replace("ORDER BY sku, warehouse_code FOR UPDATE", ""))


async def available(db: Database, skus: Collection[str]) -> dict[str, dict[str, int]]:
    """The same without a lock: others may take them meanwhile."""
    found: dict[str, dict[str, int]] = {}
    for sku, code, units in await db.rows(_AVAILABLE, skus=list(skus)):
        found.setdefault(sku, {})[code] = units
    return found


_MOVED: Final = ("skus", "codes", "allocated", "gone")
# Rows are locked in the order of their keys first: an update alone would lock them in the order of its plan. It adds to
# the row as it is after the lock, not as it was when the statement began.
_MOVE: Final = Statement(
    """
    WITH moved AS MATERIALIZED (
        SELECT s.sku, s.warehouse_code, t.allocated, t.gone
        FROM unnest(CAST(:skus AS text[]), CAST(:codes AS text[]), CAST(:allocated AS int[]), CAST(:gone AS int[]))
            AS t(sku, code, allocated, gone)
        JOIN stock s ON s.sku = t.sku AND s.warehouse_code = t.code
        ORDER BY s.sku, s.warehouse_code FOR UPDATE OF s)
    UPDATE stock SET allocated = stock.allocated + moved.allocated, on_hand = stock.on_hand - moved.gone
    FROM moved WHERE stock.sku = moved.sku AND stock.warehouse_code = moved.warehouse_code
    """
)


async def move(tx: Tx, *, allocated: Mapping[StockKey, int], gone: Mapping[StockKey, int]) -> None:
    """Adds to the allocated units, which may be negative, and takes units that left the shelf from those on hand."""
    changes = [(*key, allocated.get(key, 0), gone.get(key, 0)) for key in sorted({*allocated, *gone})]
    if changes:
        await tx.run(_MOVE, **columns(_MOVED, changes))


_ENSURE: Final = Statement(
    """
    INSERT INTO stock (sku, warehouse_code, on_hand)
    SELECT sku, code, 0 FROM unnest(CAST(:skus AS text[]), CAST(:codes AS text[])) AS t(sku, code)
    ORDER BY sku, code ON CONFLICT DO NOTHING
    """
)
_LOCK_ROWS: Final = Statement(
    """
    SELECT s.sku, s.warehouse_code, s.on_hand, s.allocated FROM stock s
    JOIN unnest(CAST(:skus AS text[]), CAST(:codes AS text[])) AS t(sku, code)
        ON s.sku = t.sku AND s.warehouse_code = t.code
    ORDER BY s.sku, s.warehouse_code FOR UPDATE OF s
    """
)
_SET: Final = Statement(
    """
    UPDATE stock SET on_hand = t.counted
    FROM unnest(CAST(:skus AS text[]), CAST(:codes AS text[]), CAST(:counted AS int[])) AS t(sku, code, counted)
    WHERE stock.sku = t.sku AND stock.warehouse_code = t.code
    """
)


async def lock_rows(tx: Tx, keys: Collection[StockKey]) -> dict[StockKey, tuple[int, int]]:
    """(on hand, allocated) by key; creates missing rows with no units."""
    pairs = columns(("skus", "codes"), sorted(keys))
    await tx.run(_ENSURE, **pairs)
    found = await tx.rows(_LOCK_ROWS, **pairs)
    return {(sku, code): (on_hand, allocated) for sku, code, on_hand, allocated in found}


async def set_on_hand(tx: Tx, counted: Collection[tuple[str, str, int]]) -> None:
    """Units by (SKU, warehouse code); the caller holds the rows' locks."""
    if counted:
        await tx.run(_SET, **columns(("skus", "codes", "counted"), list(counted)))
