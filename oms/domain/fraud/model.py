"""Fraud control: whether a charge may be made now."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from oms.domain.vocabulary.failures import FailureReason


@dataclass(frozen=True, slots=True)
class FraudSettings:
    """`limit_minor` applies to each customer and currency, 0: none. `period` counts how often spending was cleared."""

    limit_minor: int
    maintenance: bool
    period: int
    updated_at: datetime


class Verdict(StrEnum):
    """Fraud control's answer for one charge."""

    CHARGE = "CHARGE"
    HOLD = "HOLD"
    DECLINE = "DECLINE"


@dataclass(frozen=True, slots=True)
class Judgement:
    """The verdict and, unless it is CHARGE, the stable reason for it."""

    verdict: Verdict
    reason: str = ""


def judge(settings: FraudSettings, *, tally_minor: int, amount_minor: int) -> Judgement:
    """Maintenance holds every charge; otherwise a charge that would take the spending above the limit is declined."""
    if settings.maintenance:
        return Judgement(Verdict.HOLD, FailureReason.FRAUD_MAINTENANCE)
    if settings.limit_minor and tally_minor + amount_minor > settings.limit_minor:
        return Judgement(Verdict.DECLINE, FailureReason.SPENDING_LIMIT_EXCEEDED)
    return Judgement(Verdict.CHARGE)
