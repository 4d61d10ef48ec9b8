"""Stock follows from shipments: units of an open one are allocated, those of a dispatched one have left the shelf."""

from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from enum import Enum, auto
from types import MappingProxyType
from typing import Final

from oms.domain.concept.declaration import Change, LockOrder
from oms.domain.inventory import store
from oms.domain.inventory.store import StockKey
from oms.domain.order.model import Order
from oms.domain.order.shipment import OPEN, Shipment, ShipmentKey
from oms.platform.db import Statement, Tx, columns


class Claim(Enum):
    """How a shipment's units count in the stock of its warehouse."""

    ALLOCATED = auto()
    GONE = auto()
    NONE = auto()


def claim_of(shipment: Shipment) -> Claim:
    if shipment.dispatched_at:
        return Claim.GONE
    return Claim.ALLOCATED if shipment.status in OPEN else Claim.NONE


Claims = Mapping[int, Claim]
"""By shipment number."""


class StockClaims:
    """Moves stock as the shipments' claims on it change."""

    locks: LockOrder = LockOrder.STOCK
    nothing: Claims = MappingProxyType({})

    def of(self, order: Order) -> Claims:
        return {shipment.number: claim_of(shipment) for shipment in order.shipments}

    async def apply(self, tx: Tx, changes: Sequence[Change[Claims]]) -> None:
        claimed: Counter[StockKey] = Counter()
        released: list[ShipmentKey] = []
        gone: list[ShipmentKey] = []
        for change in changes:
            for shipment in change.order.shipments:
                match change.before.get(shipment.number), change.now[shipment.number]:
                    case None, Claim.ALLOCATED:
                        for item in shipment.items:
                            claimed[item.sku, shipment.warehouse_code] += item.quantity
                    case Claim.ALLOCATED, Claim.NONE:
                        released.append(shipment.key)
                    case Claim.ALLOCATED, Claim.GONE:
                        gone.append(shipment.key)
        back, left = await _units(tx, released), await _units(tx, gone)
        allocated = {key: claimed[key] - back[key] - left[key] for key in {*claimed, *back, *left}}
        await store.move(tx, allocated=allocated, gone=left)


_UNITS: Final = Statement(
    """
    SELECT a.sku, s.warehouse_code, sum(a.quantity)
    FROM unnest(CAST(:orders AS uuid[]), CAST(:numbers AS int[])) AS moved(order_id, number)
    JOIN shipments s USING (order_id, number)
    JOIN allocations a ON a.order_id = s.order_id AND a.shipment = s.number
    GROUP BY a.sku, s.warehouse_code
    """
)


async def _units(tx: Tx, keys: Collection[ShipmentKey]) -> Counter[StockKey]:
    """The units of the shipments, by SKU and warehouse."""
    if not keys:
        return Counter()
    found = await tx.rows(_UNITS, **columns(("orders", "numbers"), list(keys)))
    return Counter({(sku, code): units for sku, code, units in found})
