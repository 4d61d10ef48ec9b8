"""Stock levels in PostgreSQL: 0 ≤ allocated ≤ on hand, always touched in the order of (SKU, warehouse)."""

from collections import Counter
from collections.abc import Collection
from typing import Final
from uuid import UUID

from sqlalchemy import CheckConstraint, Column, Integer, Table, Text, text

from oms.domain.order.effects import StockMoves
from oms.platform.db import Statement, Tx, columns, metadata

stock: Final = Table(
    "stock",
    metadata,
    Column("sku", Text(collation="C"), primary_key=True),
    Column("warehouse_code", Text(collation="C"), primary_key=True),
    Column("on_hand", Integer, nullable=False),
    Column("allocated", Integer, nullable=False, server_default=text("0")),
    CheckConstraint("0 <= allocated AND allocated <= on_hand", name="never_oversold"),
)

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


_HELD: Final = Statement(
    """
    SELECT a.sku, s.warehouse_code, sum(a.quantity)
    FROM unnest(CAST(:orders AS uuid[]), CAST(:numbers AS int[])) AS moved(order_id, number)
    JOIN shipments s USING (order_id, number)
    JOIN allocations a ON a.order_id = s.order_id AND a.shipment = s.number
    GROUP BY a.sku, s.warehouse_code
    """
)
_MOVED: Final = ("skus", "codes", "allocated", "gone")
# Rows are locked in their order first: an update alone would take them as its plan happens to come upon them. What it
# adds to is the row as it is then, not as it was when the statement began.
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


async def move(tx: Tx, moves: StockMoves) -> None:
    """Claims units, gives them back, or lets them leave the shelf: on hand and allocated both fall."""
    released, gone = await _held(tx, moves.released), await _held(tx, moves.gone)
    changes = [
        (sku, code, moves.claimed[sku, code] - released[sku, code] - gone[sku, code], gone[sku, code])
        for sku, code in sorted({*moves.claimed, *released, *gone})
    ]
    if changes:
        await tx.run(_MOVE, **columns(_MOVED, changes))


async def _held(tx: Tx, moved: Collection[tuple[UUID, int]]) -> Counter[tuple[str, str]]:
    if not moved:
        return Counter()
    found = await tx.rows(_HELD, **columns(("orders", "numbers"), list(moved)))
    return Counter({(sku, code): units for sku, code, units in found})


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


async def lock_rows(tx: Tx, keys: Collection[tuple[str, str]]) -> dict[tuple[str, str], tuple[int, int]]:
    """(on hand, allocated) by (SKU, warehouse code); a pair that was not there before holds nothing."""
    pairs = columns(("skus", "codes"), sorted(keys))
    await tx.run(_ENSURE, **pairs)
    found = await tx.rows(_LOCK_ROWS, **pairs)
    return {(sku, code): (on_hand, allocated) for sku, code, on_hand, allocated in found}


async def set_on_hand(tx: Tx, counted: Collection[tuple[str, str, int]]) -> None:
    """Units by (SKU, warehouse code); the caller holds the rows' locks."""
    if counted:
        await tx.run(_SET, **columns(("skus", "codes", "counted"), list(counted)))
