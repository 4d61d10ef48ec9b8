"""Rule 8: nobody reads or changes what their role and ownership do not allow. Data show what was changed."""

from collections.abc import Mapping
from typing import Final

from oms.tools.check.check import Check
from oms.tools.check.roles import PEOPLE, ROLES, SYSTEM, caused_by_permitted_roles
from oms.tools.check.sql import texts

_CANCEL: Final = ("CUSTOMER", "MANAGER", "SUPPORT", "SERVICE")
_FAIL: Final = ("COURIER", "MANAGER", "SUPPORT", SYSTEM)

PERMITTED: Final[Mapping[str, tuple[str, ...]]] = {
    "OrderPlaced": ("CUSTOMER", "SERVICE"),
    "AmendmentAccepted": ("CUSTOMER", "SERVICE"),
    "OrderCancelled": _CANCEL,
    "ShipmentCancelled": (*_CANCEL, SYSTEM),
    "ShipmentDispatched": ("COURIER",),
    "DeliveryAttempted": ("COURIER",),
    "ShipmentDelivered": ("COURIER",),
    "ShipmentFailed": _FAIL,
    # Ending the last shipment closes the order.
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

CHECKS: Final = (
    Check(
        "8",
        "A token has one of the five roles, and a customer if and only if that is CUSTOMER",
        "tokens",
        "access_tokens",
        f"""
        SELECT name, format('%s, customer %s', role, coalesce(customer_reference, 'none')) FROM access_tokens
        WHERE role NOT IN {texts(ROLES)} OR (role = 'CUSTOMER') <> (coalesce(customer_reference, '') <> '')
        """,
    ),
    Check(
        "8",
        "An account has a person's role, a customer if and only if that is CUSTOMER, and no session once disabled",
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
    caused_by_permitted_roles("Every event was caused by a role that may cause it", PERMITTED),
    Check(
        "8",
        "Only managers change the fraud settings",
        "changes of the fraud settings",
        "fraud_events",
        """
        SELECT 'fraud event ' || seq, format('%s by %s, %s', type, actor, coalesce(actor_role, 'the system itself'))
        FROM fraud_events WHERE actor_role IS DISTINCT FROM 'MANAGER'
        """,
    ),
)
