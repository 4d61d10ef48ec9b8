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


@dataclass(frozen=True, slots=True)
class Judgement:
    """The verdict, and where it is no charge, the stable reason that customers and support are shown."""

    verdict: Verdict
    reason: str = ""


def judge(settings: FraudSettings, *, tally_minor: int, amount_minor: int) -> Judgement:
    """Maintenance holds every charge; otherwise one that would take the tally above the limit is declined."""
    if settings.maintenance:
        return Judgement(Verdict.HOLD, FRAUD_MAINTENANCE)
    if settings.limit_minor and tally_minor + amount_minor > settings.limit_minor:
        return Judgement(Verdict.DECLINE, SPENDING_LIMIT_EXCEEDED)
    return Judgement(Verdict.CHARGE)
