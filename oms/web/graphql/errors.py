"""Errors in GraphQL's form: every refusal of the API, whatever its HTTP status; faults are masked and logged whole."""

from collections.abc import Mapping, Sequence
from enum import StrEnum
from typing import Final

from graphql import GraphQLError, GraphQLFormattedError

from oms.platform.faults import Fault, cause_of, fault_of


class ErrorCode(StrEnum):
    """The contract's codes for `errors[].extensions.code`, as far as this door gives them."""

    INVALID = "INVALID"
    CONFLICT = "CONFLICT"
    DUPLICATE = "DUPLICATE"
    UNAUTHENTICATED = "UNAUTHENTICATED"
    FORBIDDEN = "FORBIDDEN"
    NOT_FOUND = "NOT_FOUND"
    RATE_LIMITED = "RATE_LIMITED"
    UNAVAILABLE = "UNAVAILABLE"
    INTERNAL = "INTERNAL"


STATUS_OF_FAULT: Final[Mapping[str, int]] = {
    ErrorCode.CONFLICT: 409,
    ErrorCode.DUPLICATE: 422,
    ErrorCode.RATE_LIMITED: 429,
    ErrorCode.UNAVAILABLE: 503,
    ErrorCode.INTERNAL: 500,
}
"""HTTP statuses of what ended a whole request; a refusal within an answer stays 200."""


_NESTED: Final = "The request is nested too deeply."


class RequestRefused(Exception):
    """A request that is not carried out: its HTTP status, its code, and in the message how to put it right."""

    def __init__(self, status: int, code: ErrorCode, message: str, *, headers: Mapping[str, str] | None = None) -> None:
        super().__init__(message)
        self.status = status
        self.code = code
        self.message = message
        self.headers = headers or {}

    @property
    def errors(self) -> list[GraphQLFormattedError]:
        return [{"message": self.message, "extensions": {"code": str(self.code)}}]


class Failed(RequestRefused):
    """A request that failed for a fault of ours, and not for what it asked."""

    def __init__(self, fault: Fault) -> None:
        code = ErrorCode(fault.code)
        super().__init__(STATUS_OF_FAULT[code], code, fault.message)
        self._fault = fault

    @property
    def errors(self) -> list[GraphQLFormattedError]:
        return [{"message": self._fault.message, "extensions": self._fault.extensions}]


class CannotExecute(RequestRefused):
    """A request in good form whose document can't be executed; where in the document stands with each error."""

    def __init__(self, errors: Sequence[GraphQLError]) -> None:
        super().__init__(400, ErrorCode.INVALID, errors[0].message)
        self._errors = formatted(errors)

    @property
    def errors(self) -> list[GraphQLFormattedError]:
        return self._errors


def invalid(message: str, *, status: int = 400, headers: Mapping[str, str] | None = None) -> RequestRefused:
    return RequestRefused(status, ErrorCode.INVALID, message, headers=headers)


def refusal_of(error: Exception) -> RequestRefused:
    """What the client is told about an exception that is not about one field: a known kind, or masked and logged."""
    if isinstance(error, RequestRefused):
        return error
    return invalid(_NESTED) if isinstance(error, RecursionError) else Failed(fault_of(error))


def formatted(errors: Sequence[GraphQLError]) -> list[GraphQLFormattedError]:
    """The errors of a result as the client may see them: each with a code, none with our internals.

    The schema tells its own; here are those that came about around it.
    """
    return [_formatted(error) for error in errors]


def _formatted(error: GraphQLError) -> GraphQLFormattedError:
    if (error.extensions or {}).get("code"):
        return error.formatted
    cause = cause_of(error)
    told = error.formatted
    if error.path is None and (cause is None or error.nodes):
        told["extensions"] = {"code": str(ErrorCode.INVALID)}  # the document or its variables
    else:
        told.update(refusal_of(cause or error).errors[0])
    return told
