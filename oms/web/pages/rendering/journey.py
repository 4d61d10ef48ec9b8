"""How far a shipment is, as steps with their times, from its fields in the API."""

from collections.abc import Mapping
from typing import Any, Final, NamedTuple

from oms.domain.order.shipment import ShipmentStatus
from oms.domain.vocabulary.wording import wording
from oms.platform.locale.language import gettext


class Step(NamedTuple):
    """`at`: when it was done. `state`: done, now, failed, or empty for what is to come or never will."""

    label: str
    at: str | None
    state: str


_STAFF: Final = (
    wording("Allocated"),
    wording("Charged"),
    wording("Booked"),
    wording("Dispatched"),
    wording("Delivered"),
)
_CUSTOMER: Final = (
    wording("Confirmed"),
    wording("Paid"),
    wording("Packed"),
    wording("On its way"),
    wording("Delivered"),
)
_ENDED: Final[Mapping[str, str]] = {ShipmentStatus.FAILED: "failed", ShipmentStatus.CANCELLED: ""}
_DECLINED: Final = {"staff": wording("Charge declined"), "customer": wording("Payment declined")}


def journey(shipment: Mapping[str, Any], reader: str = "staff") -> list[Step]:
    """The five steps of a shipment; `reader` is "staff" or "customer".

    The first step without a time is the present one, the one that failed, or nothing if the shipment was cancelled.
    """
    payment = shipment["payment"]
    times = (payment["chargedAt"], shipment["bookedAt"], shipment["dispatchedAt"], shipment["deliveredAt"])
    labels = [gettext(label) for label in (_STAFF if reader == "staff" else _CUSTOMER)]
    steps = [Step(labels[0], None, "done")]
    for label, at in zip(labels[1:], times, strict=True):
        if at:
            steps.append(Step(label, at, "done"))
        elif steps[-1].state != "done":
            steps.append(Step(label, None, ""))
        else:
            steps.append(Step(label, None, _ENDED.get(shipment["status"], "now")))
    if payment["status"] == "DECLINED":
        steps[1] = Step(gettext(_DECLINED[reader]), None, "failed")
    return steps
