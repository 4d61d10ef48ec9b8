"""Rule 8: nobody reads or changes what their role and ownership do not allow; here, what was changed."""

from collections.abc import Iterator, Mapping
from typing import Final

from oms.tools.check.check import Check
from oms.tools.check.sql import event_id, rows, texts

ROLES: Final = ("CUSTOMER", "COURIER", "MANAGER", "SUPPORT", "SERVICE")
PEOPLE: Final = ("CUSTOMER", "COURIER", "MANAGER", "SUPPORT")
SYSTEM: Final = ""
"""An event without a role."""

_CANCEL: Final = ("CUSTOMER", "MANAGER", "SUPPORT", "SERVICE")
_FAIL: Final = ("COURIER", "MANAGER", "SUPPORT", SYSTEM)

WHO_MAY: Final[Mapping[str, tuple[str, ...]]] = {
    "OrderPlaced": ("CUSTOMER", "SERVICE"),
    "AmendmentAccepted": ("CUSTOMER", "SERVICE"),
    "OrderCancelled": _CANCEL,
    "ShipmentCancelled": (*_CANCEL, SYSTEM),
    "ShipmentDispatched": ("COURIER",),
    "ShipmentDelivered": ("COURIER",),
    "ShipmentFailed": _FAIL,
    # Whoever brought the last shipment to its end has closed the order.
    "OrderCompleted": _FAIL,
    "OrderFailed": _FAIL,
    "WorkRetried": ("SUPPORT",),
    **dict.fromkeys(
        (
            "ItemsAllocated", "ItemsUnavailable", "OrderTimedOut", "ShipmentInvoiced", "ChargeHeld", "ChargeStarted",
            "ShipmentCharged", "ChargeDeclined", "ShipmentRefunded", "ShipmentBooked", "BookingReleased", "WorkParked",
        ),
        (SYSTEM,),
    ),
}  # fmt: skip
"""Source: domain.md, "Who uses it" and "An order's way"."""


def _allowed() -> Iterator[tuple[str, str]]:
    for event, roles in WHO_MAY.items():
        yield from ((event, role) for role in roles)


CHECKS: Final = (
    Check(
        "8",
        "A token has one of the five roles, and a customer if it is a CUSTOMER's and only then",
        "tokens",
        "access_tokens",
        f"""
        SELECT name, format('%s, customer %s', role, coalesce(customer_reference, 'none')) FROM access_tokens
        WHERE role NOT IN {texts(ROLES)} OR (role = 'CUSTOMER') <> (coalesce(customer_reference, '') <> '')
        """,
    ),
    Check(
        "8",
        "An account has a role of people, a customer if it is a CUSTOMER's and only then, and no session once disabled",
        "accounts",
        "accounts",
        f"""
        SELECT login, format('%s, customer %s%s', role, coalesce(customer_reference, 'none'),
                             CASE WHEN disabled_at IS NOT NULL THEN ', disabled' END)
        FROM accounts a
        WHERE role NOT IN {texts(PEOPLE)} OR (role = 'CUSTOMER') <> (coalesce(customer_reference, '') <> '')
           OR disabled_at IS NOT NULL AND EXISTS (
               SELECT FROM sessions s WHERE s.account_id = a.id AND s.ended_at IS NULL)
        """,
    ),
    Check(
        "8",
        "Everything that happened was done by a role that may do it",
        "events",
        "order_events",
        f"""
        WITH allowed(type, role) AS (VALUES {rows(_allowed())})
        SELECT {event_id("e")}, format('%s by %s, %s', e.type, e.actor, coalesce(e.actor_role, 'the system itself'))
        FROM order_events e LEFT JOIN allowed a ON a.type = e.type AND a.role = coalesce(e.actor_role, '')
        WHERE e.type IN {texts(WHO_MAY)} AND coalesce(e.actor_role, '') IN {texts((*ROLES, SYSTEM))}
          AND a.type IS NULL
        """,
    ),
    Check(
        "8",
        "The fraud settings are changed by managers",
        "changes of the fraud settings",
        "fraud_events",
        """
        SELECT 'fraud event ' || seq, format('%s by %s, %s', type, actor, coalesce(actor_role, 'the system itself'))
        FROM fraud_events WHERE actor_role IS DISTINCT FROM 'MANAGER'
        """,
    ),
)
