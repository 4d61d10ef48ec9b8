"""Pages of lists that may be long: a window by the key of the last entry seen, never by counting."""

import base64
import binascii
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final, Generic, TypeVar

from oms.domain.vocabulary.errors import Code, refused

MOST_ENTRIES: Final = 100

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Page(Generic[T]):
    """Entries in the list's order; `more` says whether the list goes on after them."""

    entries: Sequence[T]
    more: bool

    @classmethod
    def of(cls, found: Sequence[T], first: int) -> "Page[T]":
        """From what a query found that was asked for one entry more than `first`."""
        return cls(found[:first], len(found) > first)


def bounded(query: str, most: int) -> str:
    """A list's query with its bound, `:most`, written into it: PostgreSQL plans by it.

    One that it does not know it takes for a tenth of the table, and then reads all of it in the order of the list.
    """
    return query.replace(":most", str(most))


def check_first(first: int) -> int:
    """Raises Refused(INVALID) unless it is 1 to 100."""
    if not 1 <= first <= MOST_ENTRIES:
        raise refused(Code.INVALID, f"first is from 1 to {MOST_ENTRIES}; this one is {first}.", "first")
    return first


def cursor_of(key: str) -> str:
    """Opaque to clients, who must not take it apart."""
    return base64.urlsafe_b64encode(key.encode()).decode().rstrip("=")


def key_of(cursor: str) -> str:
    """What cursor_of() was given. Raises Refused(INVALID) for anything it can't have made."""
    try:
        padded = cursor + "=" * (-len(cursor) % 4)
        key = base64.b64decode(padded.encode("ascii"), altchars=b"-_", validate=True).decode()
    except (ValueError, binascii.Error):
        raise bad_cursor() from None
    if "\x00" in key or len(key) > MOST_KEY_CHARACTERS:
        raise bad_cursor()
    return key


def instant_of(part: str) -> datetime:
    """The instant that a part of a key stands for. Raises Refused(INVALID) for anything it can't be."""
    try:
        at = datetime.fromisoformat(part)
    except ValueError:
        raise bad_cursor() from None
    if at.utcoffset() != timedelta(0):
        raise bad_cursor()
    return at


MOST_KEY_CHARACTERS: Final = 250


def bad_cursor() -> Exception:
    return refused(Code.INVALID, "This cursor is none of this list's; leave it out to start at the beginning.", "after")
