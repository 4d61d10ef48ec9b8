"""Stock levels in PostgreSQL: 0 ≤ allocated ≤ on hand, always touched in the order of (SKU, warehouse)."""

from collections import Counter
from collections.abc import Collection
from typing import Final
from uuid import UUID

from sqlalchemy import CheckConstraint, Column, Integer, Table, Text, bindparam, text, update

from oms.db import Tx, metadata
from oms.domain.orders.standing import StockMoves

stock: Final = Table(
    "stock",
    metadata,
    Column("sku", Text(collation="C"), primary_key=True),
    Column("warehouse_code", Text(collation="C"), primary_key=True),
    Column("on_hand", Integer, nullable=False),
    Column("allocated", Integer, nullable=False, server_default=text("0")),
    CheckConstraint("0 <= allocated AND allocated <= on_hand", name="never_oversold"),
)

_LOCK: Final = text(
    """
    SELECT sku, warehouse_code, on_hand - allocated FROM stock
    WHERE sku = ANY(CAST(:skus AS text[])) ORDER BY sku, warehouse_code FOR UPDATE
    """
)


async def lock_available(tx: Tx, skus: Collection[str]) -> dict[str, dict[str, int]]:
    """Units available by SKU and warehouse; nobody else changes them until the transaction ends."""
    available: dict[str, dict[str, int]] = {}
    for sku, code, units in await tx.conn.execute(_LOCK, {"skus": list(skus)}):
        available.setdefault(sku, {})[code] = units
    return available


_HELD: Final = text(
    """
    SELECT a.sku, s.warehouse_code, sum(a.quantity)
    FROM unnest(CAST(:orders AS uuid[]), CAST(:numbers AS int[])) AS moved(order_id, number)
    JOIN shipments s USING (order_id, number)
    JOIN allocations a ON a.order_id = s.order_id AND a.shipment = s.number
    GROUP BY a.sku, s.warehouse_code
    """
)
_MOVE: Final = (
    update(stock)
    .where(stock.c.sku == bindparam("k_sku"), stock.c.warehouse_code == bindparam("k_code"))
    .values(allocated=stock.c.allocated + bindparam("more_allocated"), on_hand=stock.c.on_hand - bindparam("gone"))
)


async def move(tx: Tx, moves: StockMoves) -> None:
    """Claims units, gives them back, or lets them leave the shelf: on hand and allocated both fall."""
    released, gone = await _held(tx, moves.released), await _held(tx, moves.gone)
    keys = sorted({*moves.claimed, *released, *gone})
    if not keys:
        return
    await tx.conn.execute(
        _MOVE,
        [
            {"k_sku": key[0], "k_code": key[1], "gone": gone[key]}
            | {"more_allocated": moves.claimed[key] - released[key] - gone[key]}
            for key in keys
        ],
    )


async def _held(tx: Tx, moved: Collection[tuple[UUID, int]]) -> Counter[tuple[str, str]]:
    if not moved:
        return Counter()
    key = {"orders": [order_id for order_id, _ in moved], "numbers": [number for _, number in moved]}
    return Counter({(sku, code): units for sku, code, units in await tx.conn.execute(_HELD, key)})


_ENSURE: Final = text(
    """
    INSERT INTO stock (sku, warehouse_code, on_hand)
    SELECT sku, code, 0 FROM unnest(CAST(:skus AS text[]), CAST(:codes AS text[])) AS t(sku, code)
    ORDER BY sku, code ON CONFLICT DO NOTHING
    """
)
_LOCK_ROWS: Final = text(
    """
    SELECT s.sku, s.warehouse_code, s.on_hand, s.allocated FROM stock s
    JOIN unnest(CAST(:skus AS text[]), CAST(:codes AS text[])) AS t(sku, code)
        ON s.sku = t.sku AND s.warehouse_code = t.code
    ORDER BY s.sku, s.warehouse_code FOR UPDATE OF s
    """
)
_SET: Final = (
    update(stock)
    .where(stock.c.sku == bindparam("k_sku"), stock.c.warehouse_code == bindparam("k_code"))
    .values(on_hand=bindparam("counted"))
)


async def lock_rows(tx: Tx, keys: Collection[tuple[str, str]]) -> dict[tuple[str, str], tuple[int, int]]:
    """(on hand, allocated) by (SKU, warehouse code); a pair that was not there before holds nothing."""
    ordered = sorted(keys)
    columns = {"skus": [sku for sku, _ in ordered], "codes": [code for _, code in ordered]}
    await tx.conn.execute(_ENSURE, columns)
    found = await tx.conn.execute(_LOCK_ROWS, columns)
    return {(sku, code): (on_hand, allocated) for sku, code, on_hand, allocated in found}


async def set_on_hand(tx: Tx, counted: Collection[tuple[str, str, int]]) -> None:
    """Units by (SKU, warehouse code); the caller holds the rows' locks."""
    if counted:
        values = [{"k_sku": sku, "k_code": code, "counted": units} for sku, code, units in sorted(counted)]
        await tx.conn.execute(_SET, values)
