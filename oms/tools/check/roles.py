"""Roles, and the check that every event was caused by a role that may cause it."""

from collections.abc import Mapping
from typing import Final

from oms.tools.check.check import Check
from oms.tools.check.sql import event_id, rows, texts

ROLES: Final = ("CUSTOMER", "COURIER", "MANAGER", "SUPPORT", "SERVICE")
PEOPLE: Final = ("CUSTOMER", "COURIER", "MANAGER", "SUPPORT")
SYSTEM: Final = ""
"""Stands for an event without a role: the system itself caused it."""


def caused_by_permitted_roles(holds: str, permitted: Mapping[str, tuple[str, ...]]) -> Check:
    """`permitted`: the roles that may cause each event."""
    pairs = [(event, role) for event, roles in permitted.items() for role in roles]
    return Check(
        "8",
        holds,
        "events",
        "order_events",
        f"""
        WITH permitted(type, role) AS (VALUES {rows(pairs)})
        SELECT {event_id("e")}, format('%s by %s, %s', e.type, e.actor, coalesce(e.actor_role, 'the system itself'))
        FROM order_events e LEFT JOIN permitted p ON p.type = e.type AND p.role = coalesce(e.actor_role, '')
        WHERE e.type IN {texts(permitted)} AND coalesce(e.actor_role, '') IN {texts((*ROLES, SYSTEM))}
          AND p.type IS NULL
        """,
    )
