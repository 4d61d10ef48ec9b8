"""Which orders and shipments a viewer may see, as SQL conditions for lists, single reads and subscriptions."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from oms.domain.access.permissions import Carries, Viewer, reach
from oms.domain.order.policy import OrderPermission
from oms.domain.order.shipment import COURIER_SEES, WITH_COURIER
from oms.domain.vocabulary.machine import sql_list
from oms.domain.vocabulary.permission import Reach

_MINE: Final = "o.customer_reference = :viewer_customer"

_STILL_SHOWN: Final = "statement_timestamp() - CAST(:ended_days AS int) * interval '1 day'"
"""Couriers see what was delivered since."""


@dataclass(frozen=True, slots=True)
class RowFilter:
    """SQL conditions over `o` (a row of orders) and `s` (a row of shipments), and the values that they bind.

    `shipments_of_seen` is enough for shipments of orders that the viewer may see, and `with_courier` for those that are
    with a courier: what decides about others would lead the planner astray.
    """

    orders: str
    shipments: str
    shipments_of_seen: str
    with_courier: str
    values: Mapping[str, Any] = field(default_factory=dict)


EVERYTHING: Final = RowFilter("true", "true", "true", "true")
_NOTHING: Final = RowFilter("false", "false", "false", "false")


def row_filter_of(viewer: Viewer) -> RowFilter:
    """For what the viewer may read."""
    match reach(viewer, OrderPermission.READ_ORDER):
        case Reach.ALL:
            return EVERYTHING
        case Reach.OWN:
            shipments = f"EXISTS (SELECT FROM orders o WHERE o.id = s.order_id AND {_MINE})"
            return RowFilter(_MINE, shipments, "true", shipments, {"viewer_customer": viewer.customer_reference})
        case Reach.CARRIED:
            orders = f"EXISTS (SELECT FROM shipments c WHERE c.order_id = o.id AND {_carried(viewer.carries, 'c')})"
            shipments = _carried(viewer.carries, "s")
            theirs = "true" if viewer.carries.warehouses is None else _from_theirs("s")
            return RowFilter(orders, shipments, shipments, theirs, courier_values(viewer.carries))
    return _NOTHING


def _carried(carries: Carries, alias: str) -> str:
    conditions = [f"{alias}.status IN ({sql_list(COURIER_SEES)})"]
    if carries.warehouses is not None:
        conditions.append(_from_theirs(alias))
    if carries.ended_days:
        conditions.append(f"({alias}.status IN ({sql_list(WITH_COURIER)}) OR {alias}.delivered_at >= {_STILL_SHOWN})")
    return " AND ".join(conditions)


def _from_theirs(alias: str) -> str:
    return f"{alias}.warehouse_code = ANY(CAST(:carried_from AS text[]))"


def courier_values(carries: Carries) -> dict[str, Any]:
    """What the conditions of couriers bind."""
    return {"carried_from": sorted(carries.warehouses or ()), "ended_days": carries.ended_days}
