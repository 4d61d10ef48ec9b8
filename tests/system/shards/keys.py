"""By which key each table can be distributed, as its concept declares it."""

from dataclasses import dataclass

from oms.domain.concepts import REGISTRY
from oms.platform.tables import described


@dataclass(frozen=True, slots=True)
class Placement:
    """Where a table's rows are stored: by the value of `key`; None: on every node.

    Rows of tables with the same `of` and with equal keys are stored together.
    """

    key: str | None
    of: str


def placements() -> dict[str, Placement]:
    """By table."""
    tables = [table for concept in REGISTRY.concepts for table in concept.tables]
    return {table.name: Placement(described(table).key, described(table).of) for table in tables}
