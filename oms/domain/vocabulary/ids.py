"""Ids: time-ordered UUIDs inside, opaque prefixed texts outside. A shipment's id contains its order's."""

import secrets
from datetime import UTC, datetime, timedelta
from typing import Final
from uuid import UUID

EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)

NO_ID: Final = UUID(int=0)
"""An id that nothing has. A malformed id is looked up as this one, and so is not found."""


def uuid7(at: datetime) -> UUID:
    """An RFC 9562 version 7 id whose order is that of `at`, to a quarter of a microsecond; ties are random."""
    return UUID(int=_timestamp(at) | secrets.randbits(62))


def uuid7_floor(at: datetime) -> UUID:
    """The smallest id of that instant: ids created before `at` are below it, the others are not."""
    return UUID(int=_timestamp(at))


def _timestamp(at: datetime) -> int:
    """Milliseconds in 48 bits, version, the rest of the millisecond in 12 bits, variant; the random bits zero."""
    micros = (at - EPOCH) // timedelta(microseconds=1)
    millis, rest = divmod(max(0, micros), 1000)
    return (millis & (1 << 48) - 1) << 80 | 0x7 << 76 | (rest * 4096 // 1000) << 64 | 0b10 << 62


_LETTERS: Final = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
"""Crockford's base 32: none of them is taken for another one when it is read out."""


def short_name(key: UUID) -> str:
    """A readable name: `C-` and 12 characters for the last 60 bits of the id, which are random: nobody can guess it."""
    letters = "".join(_LETTERS[key.int >> shift & 31] for shift in range(55, -1, -5))
    return f"C-{letters[:4]}-{letters[4:8]}-{letters[8:]}"


def order_id(order: UUID) -> str:
    return f"ord_{order.hex}"


def shipment_id(order: UUID, number: int) -> str:
    return f"shp_{order.hex}_{number}"


def line_id(order: UUID, number: int) -> str:
    return f"lin_{order.hex}_{number}"


def note_id(order: UUID, number: int) -> str:
    return f"nte_{order.hex}_{number}"


def customer_id(customer: UUID) -> str:
    return f"cus_{customer.hex}"


def work_id(order: UUID, shipment: int, queue: str) -> str:
    return f"wrk_{order.hex}_{shipment}_{queue}"


def session_id(session: UUID) -> str:
    return f"ses_{session.hex}"


def account_id(account: UUID) -> str:
    return f"acc_{account.hex}"


def parse(text: str) -> tuple[str, UUID, tuple[str, ...]] | None:
    """Prefix, UUID and what follows it; None for a text that is no id of this system."""
    prefix, _, rest = text.partition("_")
    key, *more = rest.split("_")
    if len(key) != 32 or not key.isascii() or not key.isalnum() or key != key.lower():
        return None
    try:
        return prefix, UUID(hex=key), tuple(more)
    except ValueError:
        return None


def parse_order(text: str) -> UUID | None:
    match parse(text):
        case ("ord", order, ()):
            return order
    return None


def parse_customer(text: str) -> UUID | None:
    match parse(text):
        case ("cus", customer, ()):
            return customer
    return None


def parse_account(text: str) -> UUID | None:
    match parse(text):
        case ("acc", account, ()):
            return account
    return None


def parse_session(text: str) -> UUID | None:
    match parse(text):
        case ("ses", session, ()):
            return session
    return None


def parse_shipment(text: str) -> tuple[UUID, int] | None:
    match parse(text):
        case ("shp", order, (number,)) if _is_number(number):
            return order, int(number)
    return None


def parse_work(text: str) -> tuple[UUID, int, str] | None:
    match parse(text):
        case ("wrk", order, (number, queue)) if number == "0" or _is_number(number):
            return order, int(number), queue
    return None


def _is_number(text: str) -> bool:
    return text.isascii() and text.isdigit() and not text.startswith("0") and len(text) <= 4
