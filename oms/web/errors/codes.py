"""The API's error codes, and the HTTP status and WebSocket close code of each: the only place that maps them."""

from collections.abc import Mapping
from enum import IntEnum, StrEnum
from typing import Final


class ErrorCode(StrEnum):
    """The contract's values of `errors[].extensions.code`."""

    INVALID = "INVALID"
    CONFLICT = "CONFLICT"
    DUPLICATE = "DUPLICATE"
    UNAUTHENTICATED = "UNAUTHENTICATED"
    FORBIDDEN = "FORBIDDEN"
    NOT_FOUND = "NOT_FOUND"
    RATE_LIMITED = "RATE_LIMITED"
    UNAVAILABLE = "UNAVAILABLE"
    INTERNAL = "INTERNAL"


HTTP_STATUS: Final[Mapping[str, int]] = {
    ErrorCode.INVALID: 400,
    ErrorCode.UNAUTHENTICATED: 401,
    ErrorCode.FORBIDDEN: 403,
    ErrorCode.NOT_FOUND: 404,
    ErrorCode.CONFLICT: 409,
    ErrorCode.DUPLICATE: 422,
    ErrorCode.RATE_LIMITED: 429,
    ErrorCode.INTERNAL: 500,
    ErrorCode.UNAVAILABLE: 503,
}
"""Of a request that failed as a whole. Errors of single fields leave a response's status at 200."""

FAILS_REQUEST: Final = frozenset(
    {ErrorCode.CONFLICT, ErrorCode.DUPLICATE, ErrorCode.RATE_LIMITED, ErrorCode.UNAVAILABLE, ErrorCode.INTERNAL}
)
"""Codes that decide the status of a response without data. The others then tell about the document or a field."""


class Close(IntEnum):
    """Why the server closes a WebSocket. Source: RFC 6455, 7.4.1, and graphql-ws, PROTOCOL.md."""

    GOING_AWAY = 1001
    TOO_BIG = 1009
    INTERNAL = 1011
    TRY_AGAIN = 1013
    BAD_MESSAGE = 4400
    UNAUTHORIZED = 4401
    FORBIDDEN = 4403
    UNKNOWN_SUBPROTOCOL = 4406
    INIT_TIMEOUT = 4408
    ID_IN_USE = 4409
    SECOND_INIT = 4429


CLOSE_CODE: Final[Mapping[str, Close]] = {
    ErrorCode.UNAUTHENTICATED: Close.UNAUTHORIZED,
    ErrorCode.FORBIDDEN: Close.FORBIDDEN,
    ErrorCode.RATE_LIMITED: Close.TRY_AGAIN,
    ErrorCode.UNAVAILABLE: Close.TRY_AGAIN,
}
"""Of an error that ends a whole connection; any other is INTERNAL."""
