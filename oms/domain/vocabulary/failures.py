"""Why a charge was held or declined, or a shipment failed: stable reasons, and their phrases for people.

A provider may answer with a reason of its own that is not listed here; people then read a general phrase.
"""

from enum import StrEnum
from typing import Final


class FailureReason(StrEnum):
    """The reasons that the system knows."""

    SPENDING_LIMIT_EXCEEDED = "SPENDING_LIMIT_EXCEEDED"
    FRAUD_MAINTENANCE = "FRAUD_MAINTENANCE"
    CARD_DECLINED = "CARD_DECLINED"
    PAYMENT_METHOD_UNKNOWN = "PAYMENT_METHOD_UNKNOWN"
    DECLINED = "DECLINED"
    COURIER_REFUSED = "COURIER_REFUSED"
    NO_ANSWER = "NO_ANSWER"


PHRASES: Final = {
    FailureReason.SPENDING_LIMIT_EXCEEDED: "it would exceed the customer's spending limit",
    FailureReason.FRAUD_MAINTENANCE: "fraud control is in maintenance",
    FailureReason.CARD_DECLINED: "the card was declined",
    FailureReason.PAYMENT_METHOD_UNKNOWN: "the payment method is not known",
    FailureReason.DECLINED: "the payment was declined",
    FailureReason.COURIER_REFUSED: "no courier accepted it",
    FailureReason.NO_ANSWER: "the customer did not answer before the deadline",
}


def phrase(reason: str) -> str:
    """Follows a colon in a sentence. Words that a person wrote are returned unchanged."""
    if reason in PHRASES:
        return PHRASES[FailureReason(reason)]
    is_code = "_" in reason and reason.isupper()
    return "the provider refused it" if is_code else reason
