"""Fulfilment describes itself."""

from datetime import timedelta
from typing import Final

from oms.domain.concept.declaration import Concept
from oms.domain.concept.standstill import Cause, Waiting
from oms.domain.fulfilment.policy import FulfilmentAction, FulfilmentPermission, FulfilmentReason
from oms.domain.order.events import SHIPMENT_PART
from oms.domain.order.shipment import ON_THE_WAY, ShipmentStatus
from oms.domain.vocabulary.wording import wording

NOT_PICKED_UP: Final = Cause(
    "NOT_PICKED_UP",
    wording("no courier has picked it up"),
    wording("Ask the courier to pick it up, or report the shipment as failed: it is refunded."),
    after=timedelta(days=2),
)
NOT_DELIVERED: Final = Cause(
    "NOT_DELIVERED",
    wording("it has been on its way for a long time"),
    wording("Ask the courier where it is; report a lost shipment as failed: it is refunded."),
    after=timedelta(days=14),
)

FULFILMENT: Final = Concept(
    name="fulfilment",
    waiting=(
        Waiting(SHIPMENT_PART, ShipmentStatus.BOOKED, NOT_PICKED_UP),
        *(Waiting(SHIPMENT_PART, status, NOT_DELIVERED) for status in sorted(ON_THE_WAY)),
    ),
    permissions=(FulfilmentPermission,),
    reasons=(FulfilmentReason,),
    audit_actions=(FulfilmentAction,),
)
