"""What fraud control has decided, as the page of an order says it."""

import pytest

from oms.web.pages.support.risk import decision

CHARGED_AT = "2026-11-29T12:00:00Z"


@pytest.mark.parametrize(
    ("charged_at", "reason", "said"),
    [
        (None, None, None),
        (CHARGED_AT, None, ("Allowed", "done", "")),
        (None, "CARD_DECLINED", ("Allowed", "done", "")),
        (None, "SPENDING_LIMIT_EXCEEDED", ("Declined", "fail", "it would exceed the customer's spending limit")),
        (None, "FRAUD_MAINTENANCE", ("Held", "wait", "fraud control is in maintenance")),
    ],
)
def test_what_a_charge_tells_about_fraud_control(
    charged_at: str | None, reason: str | None, said: tuple[str, str, str] | None
) -> None:
    assert decision({"chargedAt": charged_at, "reason": reason}) == said
