"""Billing describes itself."""

from typing import Final

from oms.domain.billing.effects import CustomerSpending
from oms.domain.billing.rules import BillingStep, due
from oms.domain.concept.declaration import Concept
from oms.domain.concept.work import WorkKind
from oms.domain.fraud.gate import MAINTENANCE
from oms.domain.order.events import SHIPMENT_PART

BILLING: Final = Concept(
    name="billing",
    effects=(CustomerSpending(),),
    work=(
        WorkKind(
            "billing",
            BillingStep,
            due,
            {
                BillingStep.CHARGE: "Charge the customer",
                BillingStep.SETTLE: "Query the result of the charge",
                BillingStep.REFUND: "Refund the customer",
            },
            part=SHIPMENT_PART,
            gate=MAINTENANCE,
        ),
    ),
)
