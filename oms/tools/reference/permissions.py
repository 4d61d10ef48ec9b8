"""Reference page: which role may do what, and with whose things, printed from the table that the product checks."""

from typing import Final

from oms.domain.concept.registry import registered
from oms.domain.vocabulary.actor import Role
from oms.domain.vocabulary.permission import Permission, Reach

_HEAD: Final = """\
# Permissions

Which role may do what, and with whose things. *Their own* belongs to the customer. *What couriers carry* are shipments
that are booked, dispatched or delivered, and their orders. An operation that is not listed is refused.
This page is generated: `make docs`.

"""

_REFUSED: Final = "–"
_OWNED: Final = frozenset({Reach.OWN, Reach.CARRIED})


def permissions_page() -> str:
    heads = ["to", *(role.lower() for role in Role)]
    rows = [[each.phrase, *(_cell(each, role) for role in Role)] for each in registered().permissions.values()]
    lines = [heads, ["---"] * len(heads), *rows]
    return _HEAD + "".join(f"| {' | '.join(line)} |\n" for line in lines)


def _cell(permission: Permission, role: Role) -> str:
    """Where no role is limited to its own or carried things, "yes" replaces the reach: the things have no owner."""
    reaches = permission.reach
    if role not in reaches:
        return _REFUSED
    return reaches[role] if _OWNED & set(reaches.values()) else "yes"
