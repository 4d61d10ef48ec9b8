"""What fraud control has decided about the charges of an order. Pure."""

from collections.abc import Mapping
from typing import Any, Final, NamedTuple

from oms.domain.vocabulary.failures import FailureReason, phrase
from oms.domain.vocabulary.machine import Shape
from oms.domain.vocabulary.wording import Wording, wording

_ALLOWED: Final = wording("Allowed")
_HELD: Final = wording("Held")
_DECLINED: Final = wording("Declined")


class Decision(NamedTuple):
    """`why`: the phrase of its reason, empty if it was allowed."""

    label: Wording
    shape: Shape
    why: str = ""


def decision(payment: Mapping[str, Any]) -> Decision | None:
    """About one charge, from the fields of a payment in support/order.graphql; None if nothing was decided yet.

    A charge that the payment provider has answered was allowed before.
    """
    reason = payment["reason"]
    if reason == FailureReason.SPENDING_LIMIT_EXCEEDED:
        return Decision(_DECLINED, Shape.FAIL, phrase(reason))
    if reason == FailureReason.FRAUD_MAINTENANCE:
        return Decision(_HELD, Shape.WAIT, phrase(reason))
    if payment["chargedAt"] or reason:
        return Decision(_ALLOWED, Shape.DONE)
    return None
