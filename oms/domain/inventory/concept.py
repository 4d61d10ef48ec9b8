"""Inventory describes itself."""

from typing import Final

from oms.domain.concept.declaration import Concept
from oms.domain.inventory.policy import InventoryAction, InventoryPermission, InventoryReason
from oms.domain.inventory.tables import stock

INVENTORY: Final = Concept(
    name="inventory",
    tables=(stock,),
    permissions=(InventoryPermission,),
    reasons=(InventoryReason,),
    audit_actions=(InventoryAction,),
)
