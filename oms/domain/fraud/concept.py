"""Fraud control describes itself."""

from collections.abc import Mapping
from typing import Final

from oms.domain.concept.declaration import Concept
from oms.domain.fraud.events import FraudEvent
from oms.domain.fraud.policy import FraudAction, FraudPermission
from oms.domain.fraud.tables import fraud_events, fraud_settings, tallies
from oms.domain.vocabulary.events import EventKind, EventType, fixed

_EVENTS: Final[Mapping[EventType, EventKind]] = {
    FraudEvent.SpendingLimitSet: EventKind(fixed("The spending limit was set.")),
    FraudEvent.MaintenanceSwitched: EventKind(fixed("The maintenance of fraud control was switched.")),
    FraudEvent.SpendingCleared: EventKind(fixed("All spending was cleared.")),
}

FRAUD: Final = Concept(
    name="fraud",
    tables=(fraud_settings, fraud_events, tallies),
    events=_EVENTS,
    permissions=(FraudPermission,),
    audit_actions=(FraudAction,),
)
