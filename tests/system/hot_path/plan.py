"""Plans as PostgreSQL reports them: which tables a statement scanned, how, and how many rows."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

Node = Mapping[str, Any]

INDEX_ONLY: Final = "an index"
"""Instead of a table: a bitmap scan reads the index first."""


@dataclass(frozen=True, slots=True)
class Scan:
    """Of one table. `rows`: read in all loops, including those that were filtered out."""

    table: str
    how: str
    rows: float

    def __str__(self) -> str:
        return f"{self.how} of {self.table}: {self.rows:.0f} rows"


def scans(plan: Node) -> Iterator[Scan]:
    """Every scan of an executed plan."""
    for node in nodes(plan):
        if "Scan" in node["Node Type"] and ("Relation Name" in node or "Index Name" in node):
            index = f" by {node['Index Name']}" if "Index Name" in node else ""
            yield Scan(node.get("Relation Name", INDEX_ONLY), f"{node['Node Type']}{index}", _rows(node))


def nodes(plan: Node) -> Iterator[Node]:
    """All nodes of the tree, the root first."""
    yield plan
    for below in plan.get("Plans", ()):
        yield from nodes(below)


_REMOVED: Final = ("Rows Removed by Filter", "Rows Removed by Index Recheck")


def _rows(node: Node) -> float:
    """PostgreSQL reports the mean of all loops."""
    each: float = node["Actual Rows"] + sum(node.get(name, 0) for name in _REMOVED)
    return each * float(node["Actual Loops"])
