"""Refusals: what a caller did wrong, never a fault of the system."""

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum
from typing import Self


class Code(StrEnum):
    """Stable reasons for a refusal; the contract's ErrorCode."""

    INVALID = "INVALID"
    NOT_FOUND = "NOT_FOUND"
    FORBIDDEN = "FORBIDDEN"
    CONFLICT = "CONFLICT"
    DUPLICATE = "DUPLICATE"


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing that is wrong, the input field it is about, and in its message how to put it right."""

    code: Code
    message: str
    path: tuple[str, ...] = ()

    def under(self, *path: str | int) -> Self:
        """The same problem, seen from further out."""
        return type(self)(self.code, self.message, (*map(str, path), *self.path))


class Refused(Exception):
    """A command that is not carried out. Carries at least one problem; the door rolls back and tells them all."""

    def __init__(self, *problems: Problem) -> None:
        super().__init__("; ".join(problem.message for problem in problems))
        self.problems = problems


def refused(code: Code, message: str, *path: str | int) -> Refused:
    """The refusal for a single problem."""
    return Refused(Problem(code, message, tuple(map(str, path))))


def refuse_all(problems: Iterable[Problem]) -> None:
    """Raises Refused with every problem, or does nothing when there is none."""
    if found := tuple(problems):
        raise Refused(*found)
