"""Checks of text input: present, not too long, and storable."""

from collections.abc import Iterator
from typing import Final

from oms.domain.vocabulary.errors import InputReason, Problem

CODE_LENGTH: Final = 100
NAME_LENGTH: Final = 200
REASON_LENGTH: Final = 500
EMAIL_LENGTH: Final = 254


def check_text(text: str, *path: str, max_length: int, blank: bool = False) -> Iterator[Problem]:
    """Problems with a text of at most `max_length` characters that may not be blank unless allowed."""
    what = path[-1]
    if not blank and not text.strip():
        yield Problem(InputReason.EMPTY, f"{what} must not be empty.", path)
    elif len(text) > max_length:
        message = f"{what} has {len(text)} characters; at most {max_length} are allowed."
        yield Problem(InputReason.TOO_LONG, message, path)
    elif not _is_storable(text):
        message = f"{what} contains a NUL character or half a surrogate pair; remove it."
        yield Problem(InputReason.UNSUPPORTED_CHARACTER, message, path)


def _is_storable(text: str) -> bool:
    return "\x00" not in text and not any("\ud800" <= character <= "\udfff" for character in text)
