"""What a check is, and what its result is."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, Final

LINKS: Final = "links"
"""In place of a rule's number, for checks of rows that belong together."""


class Kind(StrEnum):
    """Whether a finding breaks a rule."""

    RULE = "rule"
    NOTE = "note"
    """Breaks no rule, but somebody should look at it, e.g. work that waits for support."""


@dataclass(frozen=True, slots=True)
class Check:
    """One rule, as two pieces of SQL.

    `among`: what follows FROM in the query that counts the examined rows. `broken`: a query with two text columns, the
    id of each row that breaks the rule and what is wrong with it. `arguments`: the parameters of `broken`.
    """

    rule: str
    holds: str
    examined: str
    among: str
    broken: str
    kind: Kind = Kind.RULE
    arguments: Sequence[Any] = ()


@dataclass(frozen=True, slots=True)
class Finding:
    """One row: its id as the API returns it, where it has one, and what is wrong with it."""

    id: str
    what: str


@dataclass(frozen=True, slots=True)
class Result:
    """The result of one check. `first`: the first few of `found_count` findings."""

    rule: str
    holds: str
    examined: str
    kind: Kind
    rows_count: int
    found_count: int
    first: Sequence[Finding]
    took_ms: float

    @property
    def is_violation(self) -> bool:
        return self.kind == Kind.RULE and self.found_count > 0


@dataclass(frozen=True, slots=True)
class Report:
    """All results; `remarks` say what was not checked."""

    results: Sequence[Result]
    remarks: Sequence[str] = field(default=())

    @property
    def violated(self) -> Sequence[Result]:
        return [result for result in self.results if result.is_violation]
