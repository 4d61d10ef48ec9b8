"""What happens to the fraud settings."""

from oms.domain.vocabulary.events import EventType


class FraudEvent(EventType):
    """The settings have an event log of their own."""

    SpendingLimitSet = "SpendingLimitSet"
    MaintenanceSwitched = "MaintenanceSwitched"
    SpendingCleared = "SpendingCleared"
