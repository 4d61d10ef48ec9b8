"""Cancellation describes itself."""

from typing import Final

from oms.domain.cancellation.policy import CancellationAction, CancellationPermission
from oms.domain.concept.declaration import Concept

CANCELLATION: Final = Concept(
    name="cancellation",
    permissions=(CancellationPermission,),
    audit_actions=(CancellationAction,),
)
