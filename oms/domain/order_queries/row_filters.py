"""Which orders and shipments a viewer may see: the one place that lists, single reads and subscriptions ask."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from oms.domain.access.permissions import Operation, Reach, Viewer, reach
from oms.domain.order.shipment import COURIER_SEES

_MINE: Final = "o.customer_reference = :viewer_customer"
_CARRIED: Final = "IN ({})".format(", ".join(f"'{status}'" for status in sorted(COURIER_SEES)))


@dataclass(frozen=True, slots=True)
class Scope:
    """Conditions in SQL over `o` (a row of orders) and `s` (a row of shipments), and the values they bind.

    `shipments_of_seen` is enough where the shipment's order is known to be one that the viewer may see.
    """

    orders: str
    shipments: str
    shipments_of_seen: str
    values: Mapping[str, Any] = field(default_factory=dict)


_ORDERS: Final[Mapping[Reach, str]] = {
    Reach.OWN: _MINE,
    Reach.CARRIED: (
        f"EXISTS (SELECT FROM shipments carried WHERE carried.order_id = o.id AND carried.status {_CARRIED})"
    ),
    Reach.ALL: "true",
}
_SHIPMENTS: Final[Mapping[Reach, str]] = {
    Reach.OWN: f"EXISTS (SELECT FROM orders o WHERE o.id = s.order_id AND {_MINE})",
    Reach.CARRIED: f"s.status {_CARRIED}",
    Reach.ALL: "true",
}
_OF_SEEN: Final[Mapping[Reach, str]] = {**_SHIPMENTS, Reach.OWN: "true"}

EVERYTHING: Final = Scope("true", "true", "true")
_NOTHING: Final = Scope("false", "false", "false")


def scope_of(viewer: Viewer) -> Scope:
    """How far the viewer may read orders and their shipments, as conditions."""
    reached = reach(viewer, Operation.READ_ORDER)
    if reached is None:
        return _NOTHING
    values = {"viewer_customer": viewer.customer_reference} if reached == Reach.OWN else {}
    return Scope(_ORDERS[reached], _SHIPMENTS[reached], _OF_SEEN[reached], values)
