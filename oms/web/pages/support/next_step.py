"""What has to happen next with an order, in the words of the list that staff reads."""

from collections.abc import Mapping
from typing import Any, Final, NamedTuple

from oms.domain.concepts import REGISTRY
from oms.domain.order.shipment import ShipmentStatus

STEP_PHRASES: Final[Mapping[str, str]] = {
    str(step): phrase for kind in REGISTRY.work_kinds.values() for step, phrase in kind.phrases.items()
}
_COURIER: Final[Mapping[str, str]] = {
    ShipmentStatus.BOOKED: "Courier picks up",
    ShipmentStatus.DISPATCHED: "Courier delivers",
}


class NextStep(NamedTuple):
    """`note` and the instant `at` say more about it; `is_stuck`: it will not happen by itself."""

    text: str
    note: str = ""
    at: str | None = None
    is_stuck: bool = False


def next_step(order: Mapping[str, Any]) -> NextStep:
    """From the fields of an order in support/index.graphql."""
    if order["closedAt"]:
        return NextStep("", "Closed", order["closedAt"])
    if stuck := sum(work["parkedAt"] is not None for work in order["work"]):
        return NextStep(f"{stuck} stuck", "retry or give up", is_stuck=True)
    if order["actionDeadline"]:
        return NextStep("Customer answers", "by", order["actionDeadline"])
    if order["work"]:
        return NextStep(STEP_PHRASES[order["work"][0]["step"]])
    with_courier = (_COURIER[each["status"]] for each in order["shipments"] if each["status"] in _COURIER)
    return NextStep(next(with_courier, ""))
