"""Fraud control: whether a charge may be made now."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from oms.domain.vocabulary.failures import FailureReason


@dataclass(frozen=True, slots=True)
class FraudSettings:
    """`limits`: minor units that each customer may spend, by currency. `period`: how often spending was cleared."""

    limits: Mapping[str, int]
    maintenance: bool
    period: int
    updated_at: datetime

    def limit_minor(self, currency: str) -> int:
        """0: none, as in every currency whose limit nobody has set."""
        return self.limits.get(currency, 0)

    def limits_with(self, currencies: Iterable[str]) -> list[tuple[str, int]]:
        """The limits that are set, and 0 for each other of these currencies, in alphabetical order."""
        return [(currency, self.limit_minor(currency)) for currency in sorted({*self.limits, *currencies})]


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


def judge(settings: FraudSettings, *, currency: str, tally_minor: int, amount_minor: int) -> Judgement:
    """Maintenance holds every charge; otherwise a charge that would take the spending above the limit is declined.

    `tally_minor`: what the customer has spent in this currency. Amounts of different currencies are never compared.
    """
    if settings.maintenance:
        return Judgement(Verdict.HOLD, FailureReason.FRAUD_MAINTENANCE)
    limit_minor = settings.limit_minor(currency)
    if limit_minor and tally_minor + amount_minor > limit_minor:
        return Judgement(Verdict.DECLINE, FailureReason.SPENDING_LIMIT_EXCEEDED)
    return Judgement(Verdict.CHARGE)
