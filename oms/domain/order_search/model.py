"""What an order is found by, and what somebody looks for."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from enum import IntEnum
from typing import Final
from uuid import UUID

from oms.domain.order.model import Order
from oms.domain.vocabulary.texts.phone import last_digits_first, phone_sought
from oms.domain.vocabulary.texts.terms import term_of, terms_of_code, terms_of_words

MAX_WORDS: Final = 8
"""Words of one search."""


class SearchField(IntEnum):
    """Where an order's term comes from. The numbers are stored."""

    REFERENCE = 1
    TRACKING = 2
    INVOICE = 3
    CUSTOMER = 4
    EMAIL = 5
    PHONE = 6
    NAME = 7
    POSTAL_CODE = 8
    CITY = 9


PERSONAL: Final = frozenset({each for each in SearchField if each >= SearchField.CUSTOMER})
"""Erased together with what they were made of."""

Sources = tuple[tuple[SearchField, str], ...]
"""The texts that an order is found by."""


def sources_of(order: Order) -> Sources:
    """All of the order, in a form that is quick to compare with that of before a change."""
    return (*_stated(order), *_of_shipments(order))


def _stated(order: Order) -> Iterator[tuple[SearchField, str]]:
    yield SearchField.REFERENCE, order.reference
    if order.own_reference is not None:
        yield SearchField.REFERENCE, order.own_reference
    yield SearchField.CUSTOMER, order.customer_reference
    details = order.details
    if details.email:
        yield SearchField.EMAIL, details.email
    if details.phone:
        yield SearchField.PHONE, details.phone
    if details.shipping_address:
        for field, name in _OF_ADDRESS:
            if text := details.shipping_address.get(name):
                yield field, text


_OF_ADDRESS: Final = (
    (SearchField.NAME, "name"),
    (SearchField.POSTAL_CODE, "postalCode"),
    (SearchField.CITY, "city"),
)


def _of_shipments(order: Order) -> Iterator[tuple[SearchField, str]]:
    for shipment in order.shipments:
        if shipment.tracking_number:
            yield SearchField.TRACKING, shipment.tracking_number
        if invoice := shipment.payment.invoice:
            yield SearchField.INVOICE, invoice.number


PHONE_MARK: Final = "+"
"""Before the digits of a telephone number, which are in reverse: no other term contains it."""


def terms_in(field: SearchField, text: str) -> frozenset[str]:
    """The terms of one source."""
    match field:
        case SearchField.PHONE:
            return frozenset({PHONE_MARK + last_digits_first(text)})
        case SearchField.NAME | SearchField.CITY:
            return frozenset(terms_of_words(text)) - {""}
    return frozenset(terms_of_code(text)) - {""}


@dataclass(frozen=True, slots=True)
class Word:
    """A part of a search: what a term, or a telephone number's term, must begin with."""

    term: str
    phone: str | None = None


@dataclass(frozen=True, slots=True)
class Sought:
    """What somebody looks for: orders that have all words of one of the `readings`.

    Or an order whose id is from `lowest_id` to `highest_id`; or all orders of the customer of that id.
    """

    readings: tuple[tuple[Word, ...], ...]
    lowest_id: UUID | None = None
    highest_id: UUID | None = None
    customer_id: UUID | None = None


def sought_in(text: str) -> Sought:
    """A text with spaces is read as words, and as one number that was written with spaces.

    `readings` is empty if it has neither letters nor digits.
    """
    pieces = text.split()
    readings = [_words(pieces)]
    if len(pieces) > 1:
        readings.append(_words(["".join(pieces)]))
    return Sought(tuple(filter(None, readings)), *_ids_in(text.strip()))


def _words(pieces: list[str]) -> tuple[Word, ...]:
    words = (_word(piece) for piece in pieces)
    return tuple(dict.fromkeys(word for word in words if word.term))


def _word(piece: str) -> Word:
    phone = phone_sought(piece)
    return Word(term_of(piece), PHONE_MARK + phone if phone else None)


_ID: Final = re.compile(r"(?:(ord|shp|lin|wrk|cus)_|(erased)-)?([0-9a-f-]{8,36})(?:_\w+)?")


def _ids_in(text: str) -> tuple[UUID | None, UUID | None, UUID | None]:
    """The lowest and highest id of orders that begin with the text, and the id of a customer."""
    found = _ID.fullmatch(text)
    if found is None:
        return None, None, None
    digits = found[3].replace("-", "")
    if found[1] == "cus" or found[2]:
        return None, None, UUID(hex=digits) if len(digits) == _HEX_DIGITS else None
    if not _MIN_HEX_DIGITS <= len(digits) <= _HEX_DIGITS:
        return None, None, None
    return UUID(hex=digits.ljust(_HEX_DIGITS, "0")), UUID(hex=digits.ljust(_HEX_DIGITS, "f")), None


_HEX_DIGITS: Final = 32
_MIN_HEX_DIGITS: Final = 8
