"""Which orders and shipments a viewer may see: the one place that lists, single reads and subscriptions ask."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from oms.domain.access.model import Viewer
from oms.domain.actor import Role
from oms.domain.shipments.model import COURIER_SEES

_MINE: Final = "o.customer_id = (SELECT id FROM customers WHERE reference = :viewer_customer)"
_CARRIED: Final = "IN ({})".format(", ".join(f"'{status}'" for status in sorted(COURIER_SEES)))


@dataclass(frozen=True, slots=True)
class Scope:
    """Conditions in SQL over `o` (a row of orders) and `s` (a row of shipments), and the values they bind."""

    orders: str
    shipments: str
    values: Mapping[str, Any] = field(default_factory=dict)


_ALL: Final = Scope("true", "true")
_NOTHING: Final = Scope("false", "false")
_COURIERS: Final = Scope(
    f"EXISTS (SELECT FROM shipments carried WHERE carried.order_id = o.id AND carried.status {_CARRIED})",
    f"s.status {_CARRIED}",
)


_BY_ROLE: Final[Mapping[Role, Scope]] = {
    Role.COURIER: _COURIERS,
    Role.MANAGER: _ALL,
    Role.SUPPORT: _ALL,
    Role.SERVICE: _ALL,
}


def scope_of(viewer: Viewer) -> Scope:
    """Customers see their own orders, couriers what they carry, the others everything; a new role nothing."""
    if viewer.role == Role.CUSTOMER:
        shipments = f"EXISTS (SELECT FROM orders o WHERE o.id = s.order_id AND {_MINE})"
        return Scope(_MINE, shipments, {"viewer_customer": viewer.customer_reference})
    return _BY_ROLE.get(viewer.role, _NOTHING)
