"""What can be asked of a provider over a wire: each operation's name, path and JSON.

The key travels beside the body, never in it: as the column of a log, or as the header of a request.
"""

from dataclasses import dataclass
from typing import Any, Final, Generic, Protocol, TypeVar

import orjson
from pydantic import TypeAdapter, ValidationError

from oms.providers.ports import (
    BookingAnswer,
    BookingRequest,
    ChargeAnswer,
    ChargeRequest,
    InvoiceAnswer,
    InvoiceRequest,
    RefundRequest,
    RequestRejected,
)


@dataclass(frozen=True, slots=True)
class ReleaseRequest:
    """Gives up the booking of this key."""

    key: str


class Keyed(Protocol):
    """Any request: it may be repeated under its key."""

    @property
    def key(self) -> str: ...


Asked = TypeVar("Asked", bound=Keyed)
Answered = TypeVar("Answered")


@dataclass(frozen=True, slots=True)
class Operation(Generic[Asked, Answered]):
    """One thing a provider does."""

    name: str
    path: str
    request: TypeAdapter[Asked]
    answer: TypeAdapter[Answered]

    def body(self, request: Asked) -> bytes:
        """The request as JSON, without its key."""
        # An address may be any mapping, and pydantic knows only dict: turn others into one, without a warning.
        return self.request.dump_json(request, exclude={"key"}, fallback=dict, warnings=False)

    def read_body(self, key: str, body: bytes | str) -> Asked:
        """The request that `body` describes. Raises RequestRejected (INVALID)."""
        try:
            fields = orjson.loads(body)
            if not isinstance(fields, dict):
                raise RequestRejected("INVALID", "the body must be a JSON object")
            return self.request.validate_json(orjson.dumps({**fields, "key": key}), strict=True)
        except orjson.JSONDecodeError as error:
            raise RequestRejected("INVALID", f"the body is no JSON: {error}") from error
        except ValidationError as error:
            raise RequestRejected("INVALID", _explain(error)) from error

    def answer_json(self, answer: Answered) -> bytes:
        return self.answer.dump_json(answer)

    def read_answer(self, answer: bytes | str) -> Answered:
        """Raises pydantic.ValidationError if it is none."""
        return self.answer.validate_json(answer, strict=True)


def _explain(error: ValidationError) -> str:
    return "; ".join(f"{'.'.join(map(str, each['loc']))}: {each['msg']}" for each in error.errors())


INVOICE: Final = Operation("invoice", "/invoices", TypeAdapter(InvoiceRequest), TypeAdapter(InvoiceAnswer))
CHARGE: Final = Operation("charge", "/charges", TypeAdapter(ChargeRequest), TypeAdapter(ChargeAnswer))
REFUND: Final[Operation[RefundRequest, None]] = Operation(
    "refund", "/refunds", TypeAdapter(RefundRequest), TypeAdapter(type(None))
)
BOOK: Final = Operation("book", "/bookings", TypeAdapter(BookingRequest), TypeAdapter(BookingAnswer))
RELEASE: Final[Operation[ReleaseRequest, None]] = Operation(
    "release", "/bookings/{key}", TypeAdapter(ReleaseRequest), TypeAdapter(type(None))
)

OPERATIONS: Final[tuple[Operation[Any, Any], ...]] = (INVOICE, CHARGE, REFUND, BOOK, RELEASE)
