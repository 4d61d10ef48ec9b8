"""Reading stock levels."""

from collections import defaultdict
from collections.abc import Collection
from dataclasses import dataclass
from typing import Final

from oms.domain.access.permissions import Viewer, require
from oms.domain.catalog.model import Warehouse
from oms.domain.catalog.policy import CatalogPermission
from oms.domain.inventory import store
from oms.domain.inventory.policy import InventoryPermission
from oms.domain.vocabulary.errors import refuse_all
from oms.domain.vocabulary.texts.checks import CODE_LENGTH, check_text
from oms.platform.db import Database, Statement


@dataclass(frozen=True, slots=True)
class Level:
    """Units of a SKU in one warehouse: 0 ≤ allocated ≤ on hand."""

    sku: str
    warehouse: Warehouse
    on_hand: int
    allocated: int

    @property
    def available(self) -> int:
        return self.on_hand - self.allocated


_LEVELS: Final = Statement(
    """
    SELECT s.sku, s.warehouse_code, w.name, s.on_hand, s.allocated
    FROM stock s LEFT JOIN warehouses w ON w.code = s.warehouse_code
    WHERE s.sku = ANY(CAST(:skus AS text[])) ORDER BY s.sku, s.warehouse_code
    """
)


async def free_units_of(db: Database, viewer: Viewer, skus: Collection[str]) -> dict[str, int]:
    """Units by SKU that no order has, in all warehouses together. Raises Refused(FORBIDDEN).

    Whoever sees the catalogue may know whether a product can be had; `model` says how much of it.
    """
    require(viewer, CatalogPermission.READ_CATALOG)
    return {sku: sum(held.values()) for sku, held in (await store.available(db, skus)).items()}


async def levels(db: Database, viewer: Viewer, sku: str) -> list[Level]:
    """In the order of warehouse codes. Raises Refused: FORBIDDEN, or INVALID for a text that no SKU can be."""
    refuse_all(check_text(sku, "sku", max_length=CODE_LENGTH))
    return (await levels_of(db, viewer, [sku])).get(sku, [])


async def levels_of(db: Database, viewer: Viewer, skus: Collection[str]) -> dict[str, list[Level]]:
    """By SKU that any warehouse has had, in the order of warehouse codes. Raises Refused(FORBIDDEN)."""
    require(viewer, InventoryPermission.READ_STOCK)
    found: defaultdict[str, list[Level]] = defaultdict(list)
    for sku, code, name, on_hand, allocated in await db.rows(_LEVELS, skus=list(skus)):
        found[sku].append(Level(sku, Warehouse(code, name or code), on_hand, allocated))
    return found
