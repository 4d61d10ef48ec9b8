"""Errors in GraphQL's form: refusals of requests, and bugs, which are logged in full and masked to the client."""

from collections.abc import Mapping, Sequence
from typing import Final

from graphql import GraphQLError, GraphQLFormattedError

from oms.platform.faults.masking import Fault, cause_of, fault_of
from oms.web.errors.codes import CLOSE_CODE, HTTP_STATUS, Close, ErrorCode

_NESTED: Final = "The request is nested too deeply."


class RequestRefused(Exception):
    """A request that is not executed. The message says how to correct it; `status` defaults to that of the code."""

    def __init__(
        self, code: ErrorCode, message: str, *, status: int | None = None, headers: Mapping[str, str] | None = None
    ) -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        self.status = status or HTTP_STATUS[code]
        self.headers = headers or {}

    @property
    def close_code(self) -> Close:
        """With which a WebSocket is closed that can't go on."""
        return CLOSE_CODE.get(self.code, Close.INTERNAL)

    @property
    def errors(self) -> list[GraphQLFormattedError]:
        return [{"message": self.message, "extensions": {"code": str(self.code)}}]


class Failed(RequestRefused):
    """A request that failed because of a bug or an outage."""

    def __init__(self, fault: Fault) -> None:
        super().__init__(ErrorCode(fault.code), fault.message)
        self._fault = fault

    @property
    def errors(self) -> list[GraphQLFormattedError]:
        return [{"message": self._fault.message, "extensions": self._fault.extensions}]


class CannotExecute(RequestRefused):
    """A well-formed request whose document can't be executed; each error says where in the document."""

    def __init__(self, errors: Sequence[GraphQLError]) -> None:
        super().__init__(ErrorCode.INVALID, errors[0].message)
        self._errors = format_errors(errors)

    @property
    def errors(self) -> list[GraphQLFormattedError]:
        return self._errors


def invalid(message: str, *, status: int | None = None, headers: Mapping[str, str] | None = None) -> RequestRefused:
    return RequestRefused(ErrorCode.INVALID, message, status=status, headers=headers)


def refusal_of(error: Exception) -> RequestRefused:
    """The refusal that an exception outside of a field amounts to: itself if it is one, else masked and logged."""
    if isinstance(error, RequestRefused):
        return error
    return invalid(_NESTED) if isinstance(error, RecursionError) else Failed(fault_of(error))


def format_errors(errors: Sequence[GraphQLError]) -> list[GraphQLFormattedError]:
    """The errors of a result for the client: each has a code, none shows internals.

    The schema has formatted its own errors; this adds those from around it.
    """
    return [_format(error) for error in errors]


def _format(error: GraphQLError) -> GraphQLFormattedError:
    if (error.extensions or {}).get("code"):
        return error.formatted
    cause = cause_of(error)
    formatted = error.formatted
    if error.path is None and (cause is None or error.nodes):
        formatted["extensions"] = {"code": str(ErrorCode.INVALID)}  # the document or its variables
    else:
        formatted.update(refusal_of(cause or error).errors[0])
    return formatted
