"""What went wrong here, and not with who asked: logged whole under a number, which is all that the caller is told."""

from dataclasses import dataclass
from secrets import token_hex

import structlog
from graphql import GraphQLError

from oms.platform.db import is_outage, outage_message

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Fault:
    """As a caller may see it. `code` is the contract's: UNAVAILABLE where trying again may help, else INTERNAL."""

    code: str
    message: str
    correlation_id: str

    @property
    def extensions(self) -> dict[str, str]:
        return {"code": self.code, "correlationId": self.correlation_id}


def cause_of(error: GraphQLError) -> Exception | None:
    """What was raised behind it; None where GraphQL itself found the document or its variables wrong."""
    cause: Exception | None = error
    while isinstance(cause, GraphQLError):
        cause = cause.original_error
    return cause


def fault_of(cause: BaseException, **where: object) -> Fault:
    """Logs the exception, with `where` it happened, and masks it."""
    number = token_hex(8)
    if is_outage(cause):
        log.warning("A request failed, for the database is away", correlation_id=number, error=repr(cause), **where)
        return Fault("UNAVAILABLE", f"{outage_message(cause)} ({number})", number)
    log.error("A request failed for a fault of ours", correlation_id=number, exc_info=cause, **where)
    message = f"Something went wrong on our side. Give this number when you report it: {number}"
    return Fault("INTERNAL", message, number)
