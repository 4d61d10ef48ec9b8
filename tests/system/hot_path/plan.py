"""Plans as PostgreSQL reports them: which tables a statement looked into, how, and at how many rows."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

Node = Mapping[str, Any]

OF_AN_INDEX: Final = "an index"
"""Stands for the table where only an index was looked into, for a bitmap of what to read."""


@dataclass(frozen=True, slots=True)
class Look:
    """Into one table. `rows` is how many were looked at over all repetitions, those that did not fit included."""

    table: str
    how: str
    rows: float

    def __str__(self) -> str:
        return f"{self.how} of {self.table}: {self.rows:.0f} rows"


def looks(plan: Node) -> Iterator[Look]:
    """Every look of an executed plan."""
    for node in nodes(plan):
        if "Scan" in node["Node Type"] and ("Relation Name" in node or "Index Name" in node):
            index = f" by {node['Index Name']}" if "Index Name" in node else ""
            yield Look(node.get("Relation Name", OF_AN_INDEX), f"{node['Node Type']}{index}", _rows(node))


def nodes(plan: Node) -> Iterator[Node]:
    """All of the tree, the root first."""
    yield plan
    for below in plan.get("Plans", ()):
        yield from nodes(below)


_PASSED_OVER: Final = ("Rows Removed by Filter", "Rows Removed by Index Recheck")


def _rows(node: Node) -> float:
    """What a node tells is the mean of its repetitions."""
    each: float = node["Actual Rows"] + sum(node.get(name, 0) for name in _PASSED_OVER)
    return each * float(node["Actual Loops"])
