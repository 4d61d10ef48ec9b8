"""What a customer states about an order as a whole; stored as given, but for a telephone number's separators.

A field here needs a column of the same name in `orders` (tables.py).
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, fields, replace
from operator import attrgetter
from typing import Any, Final

from oms.domain.vocabulary.errors import InputReason, Problem
from oms.domain.vocabulary.texts.checks import EMAIL_LENGTH, NAME_LENGTH, check_text
from oms.domain.vocabulary.texts.countries import COUNTRY_CODES
from oms.domain.vocabulary.texts.phone import check_phone, written_phone
from oms.domain.vocabulary.wording import wording


@dataclass(frozen=True, slots=True)
class OrderDetails:
    """The fields of `shipping_address` are those of the contract's AddressInput."""

    email: str | None = None
    shipping_address: Mapping[str, str | None] | None = None
    phone: str | None = None

    def problems(self) -> Iterator[Problem]:
        if self.email is not None:
            yield from check_email(self.email)
        if self.phone is not None:
            yield from check_phone(self.phone)
        for name, value in (self.shipping_address or {}).items():
            if value is not None:
                yield from check_text(value, "shippingAddress", name, max_length=NAME_LENGTH, blank=True)
        yield from _check_country((self.shipping_address or {}).get("country"))

    def stored(self) -> "OrderDetails":
        """As they are kept, if they have no problems."""
        return self if self.phone is None else replace(self, phone=written_phone(self.phone))

    def content(self) -> list[Any]:
        """JSON values that are equal for equal details; absent fields of an address make no difference."""
        return [_given(value) if isinstance(value, Mapping) else value for value in _values_of(self)]


_values_of: Final = attrgetter(*(field.name for field in fields(OrderDetails)))


def _given(value: Mapping[str, Any]) -> dict[str, Any]:
    return {name: each for name, each in value.items() if each is not None}


NO_DETAILS: Final = OrderDetails()


def check_email(email: str) -> Iterator[Problem]:
    """Checks only for text before and after an at sign. A confirmation mail shows whether the address works."""
    yield from (found := list(check_text(email, "email", max_length=EMAIL_LENGTH)))
    before, at, after = email.rpartition("@")
    if not found and not (before and at and after and not any(c.isspace() for c in email)):
        yield Problem(InputReason.BAD_EMAIL, wording("email is not an address such as name@example.com."), ("email",))


def _check_country(country: str | None) -> Iterator[Problem]:
    """None and empty mean that it was not given. check_text() reports one that is too long."""
    if country and len(country) <= NAME_LENGTH and country not in COUNTRY_CODES:
        message = wording("country is not a code of ISO 3166-1 alpha-2: two capital letters such as PT.")
        yield Problem(InputReason.BAD_COUNTRY, message, ("shippingAddress", "country"))
