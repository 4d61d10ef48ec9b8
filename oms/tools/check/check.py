"""What a check is, and what it found."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, Final

LINKS: Final = "links"
"""Stands for the rule's number where a check is about rows that belong together."""


class Kind(StrEnum):
    """Whether what is found breaks a rule."""

    RULE = "rule"
    NOTE = "note"
    """Worth a look, e.g. work that waits for somebody; no rule is broken."""


@dataclass(frozen=True, slots=True)
class Check:
    """One thing that must hold, as two pieces of SQL.

    `among`: what stands behind FROM to count the rows examined. `broken`: a query of two texts, the id of each
    row that breaks the rule and what is wrong with it. `arguments` go with `broken` alone.
    """

    rule: str
    holds: str
    examined: str
    among: str
    broken: str
    kind: Kind = Kind.RULE
    arguments: Sequence[Any] = ()


@dataclass(frozen=True, slots=True)
class Found:
    """One row: its id as the API gives it where it has one, and what is wrong with it."""

    id: str
    what: str


@dataclass(frozen=True, slots=True)
class Result:
    """What a check saw. `first` holds the first few of `found_count` rows."""

    rule: str
    holds: str
    examined: str
    kind: Kind
    rows_count: int
    found_count: int
    first: Sequence[Found]
    took_ms: float

    @property
    def is_violation(self) -> bool:
        return self.kind == Kind.RULE and self.found_count > 0


@dataclass(frozen=True, slots=True)
class Findings:
    """All results, and what could not be looked at or is shown elsewhere."""

    results: Sequence[Result]
    remarks: Sequence[str] = field(default=())

    @property
    def violated(self) -> Sequence[Result]:
        return [result for result in self.results if result.is_violation]
