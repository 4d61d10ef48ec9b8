"""Pages of long lists: each page continues after the key of the last entry, never by an offset."""

import base64
import binascii
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final, Generic, TypeVar

from oms.domain.vocabulary.errors import InputReason, refused
from oms.domain.vocabulary.wording import wording

MAX_PAGE_SIZE: Final = 100

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Page(Generic[T]):
    """Entries in the list's order; `more`: whether others follow, or may follow if the page is not full.

    `end`: the cursor after which to continue; None: that of the last entry.
    """

    entries: Sequence[T]
    more: bool
    end: str | None = None

    @classmethod
    def of(cls, found: Sequence[T], first: int) -> "Page[T]":
        """From the result of a query for `first` + 1 entries."""
        return cls(found[:first], len(found) > first)


def bounded(query: str, limit: int) -> str:
    """A list's query with `:limit` replaced by the number itself, so that PostgreSQL plans for it.

    For an unknown limit it assumes a tenth of the table and may read all of it in the order of the list.
    """
    return query.replace(":limit", str(limit))


def check_first(first: int) -> int:
    """Raises Refused(INVALID) unless it is 1 to 100."""
    if not 1 <= first <= MAX_PAGE_SIZE:
        raise refused(
            InputReason.BAD_PAGE_SIZE,
            wording(
                "first is from 1 to {max_page_size}; this one is {first}.", max_page_size=MAX_PAGE_SIZE, first=first
            ),
            "first",
        )
    return first


def cursor_of(key: str) -> str:
    """An opaque text; clients must not parse it."""
    return base64.urlsafe_b64encode(key.encode()).decode().rstrip("=")


def key_of(cursor: str) -> str:
    """The key that cursor_of() encoded. Raises Refused(INVALID) for anything else."""
    try:
        padded = cursor + "=" * (-len(cursor) % 4)
        key = base64.b64decode(padded.encode("ascii"), altchars=b"-_", validate=True).decode()
    except (ValueError, binascii.Error):
        raise bad_cursor() from None
    if "\x00" in key or len(key) > MAX_KEY_LENGTH:
        raise bad_cursor()
    return key


def instant_of(part: str) -> datetime:
    """The UTC instant in a part of a key. Raises Refused(INVALID) for anything else."""
    try:
        at = datetime.fromisoformat(part)
    except ValueError:
        raise bad_cursor() from None
    if at.utcoffset() != timedelta(0):
        raise bad_cursor()
    return at


MAX_KEY_LENGTH: Final = 250


def bad_cursor() -> Exception:
    message = wording("This cursor does not belong to this list; leave it out to start at the beginning.")
    return refused(InputReason.BAD_CURSOR, message, "after")
