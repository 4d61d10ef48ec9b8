"""By which key each table can be distributed, as its concept declares it."""

from dataclasses import dataclass

from oms.domain.concepts import REGISTRY
from oms.platform.tables import described


@dataclass(frozen=True, slots=True)
class Placement:
    """Where a table's rows lie: with the value of `key`, or on every node where it is None.

    Tables of one kind (`of`) whose keys are equal lie together.
    """

    key: str | None
    of: str


def placements() -> dict[str, Placement]:
    """By table."""
    tables = [table for concept in REGISTRY.concepts for table in concept.tables]
    return {table.name: Placement(described(table).key, described(table).of) for table in tables}
