"""Fraud control: whether a charge may be made now."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Final

SPENDING_LIMIT_EXCEEDED: Final = "SPENDING_LIMIT_EXCEEDED"
FRAUD_MAINTENANCE: Final = "FRAUD_MAINTENANCE"


@dataclass(frozen=True, slots=True)
class FraudSettings:
    """`limit_minor` holds for each customer and currency, 0 = none; `period` counts the clearings of spending."""

    limit_minor: int
    maintenance: bool
    period: int
    updated_at: datetime


class Verdict(StrEnum):
    """What fraud control says to one charge."""

    CHARGE = "CHARGE"
    HOLD = "HOLD"
    DECLINE = "DECLINE"


def judge(settings: FraudSettings, *, tally_minor: int, amount_minor: int) -> Verdict:
    """Maintenance holds every charge; otherwise one that would take the tally above the limit is declined."""
    if settings.maintenance:
        return Verdict.HOLD
    if settings.limit_minor and tally_minor + amount_minor > settings.limit_minor:
        return Verdict.DECLINE
    return Verdict.CHARGE
