"""Refusals: what a caller did wrong, never a fault of the system."""

from collections.abc import Iterable
from dataclasses import dataclass
from enum import Enum, StrEnum
from typing import Self

from oms.domain.vocabulary.wording import Wording


class Code(StrEnum):
    """The broad kind of a refusal; the contract's ErrorCode."""

    INVALID = "INVALID"
    NOT_FOUND = "NOT_FOUND"
    FORBIDDEN = "FORBIDDEN"
    CONFLICT = "CONFLICT"
    DUPLICATE = "DUPLICATE"


class Reason(Enum):
    """A stable reason within a code, for programs. Each concept declares its own: NAME = code, when it occurs.

    Registered concepts have unique names; docs/reference/errors.md lists them all.
    """

    def __init__(self, code: Code, when: str) -> None:
        self.code = code
        self.when = when

    def __str__(self) -> str:
        return self.name


class InputReason(Reason):
    """Why any input may be refused."""

    EMPTY = Code.INVALID, "A text that must not be empty is empty."
    TOO_LONG = Code.INVALID, "A text is longer than allowed."
    UNSUPPORTED_CHARACTER = Code.INVALID, "A text contains a NUL character or half of a surrogate pair."
    INVISIBLE_CHARACTER = Code.INVALID, "A name or reference contains a character that nobody sees."
    MIXED_SCRIPTS = Code.INVALID, "A reference, code or login mixes letters of alphabets that look alike."
    OUT_OF_RANGE = Code.INVALID, "A number is outside of the allowed range."
    TOO_MANY = Code.INVALID, "The request or its answer has more entries than allowed."
    GIVEN_TWICE = Code.INVALID, "An entry of the request occurs twice."
    BAD_PAGE_SIZE = Code.INVALID, "`first` is not between 1 and 100."
    BAD_CURSOR = Code.INVALID, "The cursor does not belong to this list."
    BAD_CURRENCY = Code.INVALID, "The currency is not an ISO 4217 code."
    BAD_EMAIL = Code.INVALID, "The e-mail address is not valid."
    BAD_PHONE = Code.INVALID, "The telephone number is not valid."
    BAD_COUNTRY = Code.INVALID, "The country is not an ISO 3166-1 alpha-2 code."
    GIVE_EXACTLY_ONE = Code.INVALID, "None or several of alternative arguments were given; exactly one is needed."


class AccessReason(Reason):
    """Why a caller may not do something."""

    ROLE_NOT_ALLOWED = Code.FORBIDDEN, "The caller's role does not allow the operation."
    TOKEN_NOT_ALLOWED = Code.FORBIDDEN, "The role allows the operation, the scope of the access token does not."
    NOT_YOURS = Code.FORBIDDEN, "The request concerns another customer."


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing that is wrong, the input field it is about, and a message that says how to correct it."""

    reason: Reason
    message: Wording
    path: tuple[str, ...] = ()

    @property
    def code(self) -> Code:
        return self.reason.code

    def under(self, *path: str | int) -> Self:
        """The same problem with a longer path: the field is nested in `path`."""
        return type(self)(self.reason, self.message, (*map(str, path), *self.path))


class Refused(Exception):
    """A command that is rejected. Carries at least one problem; the caller rolls back and reports all of them."""

    def __init__(self, *problems: Problem) -> None:
        super().__init__("; ".join(problem.message for problem in problems))
        self.problems = problems


def refused(reason: Reason, message: Wording, *path: str | int) -> Refused:
    """A refusal with a single problem."""
    return Refused(Problem(reason, message, tuple(map(str, path))))


def refuse_all(problems: Iterable[Problem]) -> None:
    """Raises Refused with every problem; does nothing if there is none."""
    if found := tuple(problems):
        raise Refused(*found)
