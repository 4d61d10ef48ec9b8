"""Allocation describes itself."""

from typing import Final

from oms.domain.allocation.effects import StockClaims
from oms.domain.allocation.rules import AllocationStep, due
from oms.domain.concept.declaration import Concept
from oms.domain.concept.work import WorkKind

ALLOCATION: Final = Concept(
    name="allocation",
    effects=(StockClaims(),),
    work=(WorkKind("allocation", AllocationStep, due, {AllocationStep.ALLOCATE: "Reserve the items in warehouses"}),),
)
