"""Faults of the system: logged in full under a number, and masked; the caller receives only the number."""

from dataclasses import dataclass
from secrets import token_hex

import structlog
from graphql import GraphQLError

from oms.platform.faults.outages import RETRY_AFTER_S, is_outage, outage_message
from oms.platform.locale.language import gettext

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Fault:
    """The masked fault. `code`: UNAVAILABLE if a retry may help, else INTERNAL."""

    code: str
    message: str
    correlation_id: str

    @property
    def extensions(self) -> dict[str, str | int]:
        """Transports without a Retry-After header tell it here, in whole seconds."""
        retry = {"retryAfter": RETRY_AFTER_S} if self.code == "UNAVAILABLE" else {}
        return {"code": self.code, "correlationId": self.correlation_id} | retry


def cause_of(error: GraphQLError) -> Exception | None:
    """The exception behind it; None if GraphQL itself refused the document or its variables."""
    cause: Exception | None = error
    while isinstance(cause, GraphQLError):
        cause = cause.original_error
    return cause


def fault_of(cause: BaseException, **context: object) -> Fault:
    """Logs the exception with its context, and masks it."""
    number = token_hex(8)
    if is_outage(cause):
        log.warning("A request failed because of an outage", correlation_id=number, error=repr(cause), **context)
        return Fault("UNAVAILABLE", f"{outage_message(cause)} ({number})", number)
    log.error("A request failed because of a bug", correlation_id=number, exc_info=cause, **context)
    message = gettext("Something went wrong on our side. Give this number when you report it: {number}")
    return Fault("INTERNAL", message.format(number=number), number)
