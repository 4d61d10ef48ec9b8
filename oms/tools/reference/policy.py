"""The table of docs/security.md: who may do what with whose things, written from the one that the product asks."""

from oms.domain.access.permissions import ALLOWED, Operation, Reach
from oms.domain.vocabulary.actor import Role

_REFUSED = "–"
_OWNED = frozenset({Reach.OWN, Reach.CARRIED})


def policy_table() -> str:
    """Markdown: a row for each operation, a column for each role, in each cell how far the role reaches."""
    heads = ["to", *(role.lower() for role in Role)]
    rows = [[operation, *(_cell(operation, role) for role in Role)] for operation in Operation]
    lines = [heads, ["---"] * len(heads), *rows]
    return "".join(f"| {' | '.join(line)} |\n" for line in lines)


def _cell(operation: Operation, role: Role) -> str:
    """Where nobody's reach is limited to some, things belong to nobody, and yes says it."""
    reaches = ALLOWED.get(operation, {})
    if role not in reaches:
        return _REFUSED
    return reaches[role] if _OWNED & set(reaches.values()) else "yes"
