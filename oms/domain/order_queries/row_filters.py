"""Which orders and shipments a viewer may see, as SQL conditions for lists, single reads and subscriptions."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from oms.domain.access.permissions import Viewer, reach
from oms.domain.order.policy import OrderPermission
from oms.domain.order.shipment import COURIER_SEES
from oms.domain.vocabulary.machine import sql_list
from oms.domain.vocabulary.permission import Reach

_MINE: Final = "o.customer_reference = :viewer_customer"
_CARRIED: Final = f"IN ({sql_list(COURIER_SEES)})"


@dataclass(frozen=True, slots=True)
class RowFilter:
    """SQL conditions over `o` (a row of orders) and `s` (a row of shipments), and the values that they bind.

    `shipments_of_seen` is enough for shipments of orders that the viewer may see.
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

EVERYTHING: Final = RowFilter("true", "true", "true")
_NOTHING: Final = RowFilter("false", "false", "false")


def row_filter_of(viewer: Viewer) -> RowFilter:
    """For what the viewer may read."""
    reached = reach(viewer, OrderPermission.READ_ORDER)
    if reached is None:
        return _NOTHING
    values = {"viewer_customer": viewer.customer_reference} if reached == Reach.OWN else {}
    return RowFilter(_ORDERS[reached], _SHIPMENTS[reached], _OF_SEEN[reached], values)
