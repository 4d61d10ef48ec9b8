"""What has to happen next with an order, in the words of the list that staff reads."""

from collections.abc import Mapping
from typing import Any, Final, NamedTuple

from oms.domain.concepts import REGISTRY
from oms.domain.order.shipment import ShipmentStatus
from oms.domain.vocabulary.wording import wording
from oms.platform.locale.language import gettext

STEP_PHRASES: Final[Mapping[str, str]] = {
    str(step): phrase for kind in REGISTRY.work_kinds.values() for step, phrase in kind.phrases.items()
}
_COURIER: Final[Mapping[str, str]] = {
    ShipmentStatus.BOOKED: wording("Courier picks up"),
    ShipmentStatus.DISPATCHED: wording("Courier delivers"),
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
        return NextStep("", gettext("Closed"), order["closedAt"])
    if stuck := sum(work["parkedAt"] is not None for work in order["work"]):
        return NextStep(gettext("{number} stuck").format(number=stuck), gettext("retry or give up"), is_stuck=True)
    if order["actionDeadline"]:
        return NextStep(gettext("Customer answers"), gettext("until"), order["actionDeadline"])
    if order["work"]:
        step: str = order["work"][0]["step"]
        return NextStep(gettext(STEP_PHRASES[step]))
    with_courier = (_COURIER[each["status"]] for each in order["shipments"] if each["status"] in _COURIER)
    return NextStep(gettext(next(with_courier, "")))
