"""The calls that providers offer: the name, path and JSON format of each.

The key is never part of the body: it is a column of a log, or the header of a request.
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
    QuoteAnswer,
    QuoteRequest,
    RefundRequest,
    RequestRejected,
)


@dataclass(frozen=True, slots=True)
class ReleaseRequest:
    """Releases the booking of this key."""

    key: str


class Keyed(Protocol):
    """Any request: it may be repeated with its key."""

    @property
    def key(self) -> str: ...


Request = TypeVar("Request", bound=Keyed | QuoteRequest)
Answer = TypeVar("Answer")


@dataclass(frozen=True, slots=True)
class ProviderCall(Generic[Request, Answer]):
    """One kind of call."""

    name: str
    path: str
    request: TypeAdapter[Request]
    answer: TypeAdapter[Answer]

    def body(self, request: Request) -> bytes:
        """The request as JSON, without its key."""
        # An address may be any mapping, but pydantic serializes only dict without a warning.
        return self.request.dump_json(request, exclude={"key"}, fallback=dict, warnings=False)

    def read_body(self, key: str, body: bytes | str) -> Request:
        """Parses a request. Raises RequestRejected (INVALID)."""
        try:
            fields = orjson.loads(body)
            if not isinstance(fields, dict):
                raise RequestRejected("INVALID", "the body must be a JSON object")
            return self.request.validate_json(orjson.dumps({**fields, "key": key}), strict=True)
        except orjson.JSONDecodeError as error:
            raise RequestRejected("INVALID", f"the body is not JSON: {error}") from error
        except ValidationError as error:
            raise RequestRejected("INVALID", _explain(error)) from error

    def answer_json(self, answer: Answer) -> bytes:
        return self.answer.dump_json(answer)

    def read_answer(self, answer: bytes | str) -> Answer:
        """Parses an answer. Raises pydantic.ValidationError."""
        return self.answer.validate_json(answer, strict=True)


def _explain(error: ValidationError) -> str:
    return "; ".join(f"{'.'.join(map(str, each['loc']))}: {each['msg']}" for each in error.errors())


INVOICE: Final = ProviderCall("invoice", "/invoices", TypeAdapter(InvoiceRequest), TypeAdapter(InvoiceAnswer))
CHARGE: Final = ProviderCall("charge", "/charges", TypeAdapter(ChargeRequest), TypeAdapter(ChargeAnswer))
REFUND: Final[ProviderCall[RefundRequest, None]] = ProviderCall(
    "refund", "/refunds", TypeAdapter(RefundRequest), TypeAdapter(type(None))
)
BOOK: Final = ProviderCall("book", "/bookings", TypeAdapter(BookingRequest), TypeAdapter(BookingAnswer))
RELEASE: Final[ProviderCall[ReleaseRequest, None]] = ProviderCall(
    "release", "/bookings/{key}", TypeAdapter(ReleaseRequest), TypeAdapter(type(None))
)

QUOTE: Final = ProviderCall("quote", "/quotes", TypeAdapter(QuoteRequest), TypeAdapter(QuoteAnswer))
"""Nothing that is logged: it has no effect."""

CALLS: Final[tuple[ProviderCall[Any, Any], ...]] = (INVOICE, CHARGE, REFUND, BOOK, RELEASE)
