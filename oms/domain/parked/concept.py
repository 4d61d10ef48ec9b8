"""Stuck jobs describe themselves."""

from typing import Final

from oms.domain.concept.declaration import Concept
from oms.domain.parked.events import PARKED_EVENTS
from oms.domain.parked.policy import ParkedAction, ParkedPermission, ParkedReason

PARKED: Final = Concept(
    name="parked",
    events=PARKED_EVENTS,
    permissions=(ParkedPermission,),
    reasons=(ParkedReason,),
    audit_actions=(ParkedAction,),
)
