"""Errors in GraphQL's form: every refusal of the API, whatever its HTTP status; faults are masked and logged whole."""

import secrets
from collections.abc import Mapping, Sequence
from enum import StrEnum
from typing import Final

import structlog
from graphql import GraphQLError, GraphQLFormattedError

from oms.db import is_outage, outage_told

log = structlog.get_logger(__name__)


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
        return [_error(self.message, self.code)]


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
    code, message = _known(error) or _masked(error)
    return RequestRefused(STATUS_OF_FAULT.get(code, 400), code, message)


def formatted(errors: Sequence[GraphQLError]) -> list[GraphQLFormattedError]:
    """The errors of a result as the client may see them: each with a code, none with our internals.

    The schema tells its own; here are those that came about around it.
    """
    return [_formatted(error) for error in errors]


def _formatted(error: GraphQLError) -> GraphQLFormattedError:
    if (error.extensions or {}).get("code"):
        return error.formatted
    cause = _cause(error)
    if error.path is None and (cause is None or error.nodes):
        return _with_code(error, error.message, ErrorCode.INVALID)  # the document or its variables
    code, message = _known(cause or error) or _masked(cause or error)
    return _with_code(error, message, code)


def _cause(error: GraphQLError) -> Exception | None:
    """The exception of ours behind it; None where GraphQL itself objects."""
    cause: Exception | None = error
    while isinstance(cause, GraphQLError):
        cause = cause.original_error
    return cause


def _known(cause: Exception) -> tuple[ErrorCode, str] | None:
    match cause:
        case RecursionError():
            return ErrorCode.INVALID, "The request is nested too deeply."
        case _ if is_outage(cause):
            log.warning("A request failed because the database is away", error=repr(cause))
            return ErrorCode.UNAVAILABLE, outage_told(cause)
    return None


def _masked(cause: Exception) -> tuple[ErrorCode, str]:
    correlation_id = secrets.token_hex(8)
    log.error("A request failed for a reason of ours", correlation_id=correlation_id, exc_info=cause)
    return (
        ErrorCode.INTERNAL,
        f"Something went wrong on our side. Give this number when you report it: {correlation_id}",
    )


def _with_code(error: GraphQLError, message: str, code: ErrorCode) -> GraphQLFormattedError:
    told = error.formatted
    told.update(_error(message, code))
    return told


def _error(message: str, code: ErrorCode) -> GraphQLFormattedError:
    return {"message": message, "extensions": {"code": str(code)}}
