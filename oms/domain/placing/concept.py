"""Placing describes itself."""

from typing import Final

from oms.domain.concept.declaration import Concept
from oms.domain.placing.policy import PlacingPermission, PlacingReason

PLACING: Final = Concept(name="placing", permissions=(PlacingPermission,), reasons=(PlacingReason,))
