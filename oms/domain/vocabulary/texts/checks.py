"""Checks of text input: present, not too long, storable; of names and references, also visible and unambiguous."""

import unicodedata
from collections.abc import Iterator
from typing import Final

from oms.domain.vocabulary.errors import InputReason, Problem
from oms.domain.vocabulary.wording import wording

CODE_LENGTH: Final = 100
NAME_LENGTH: Final = 200
REASON_LENGTH: Final = 500
EMAIL_LENGTH: Final = 254


def check_text(text: str, *path: str, max_length: int, blank: bool = False) -> Iterator[Problem]:
    """Problems with a text of at most `max_length` characters that may not be blank unless allowed."""
    what = path[-1]
    if not blank and not text.strip():
        yield Problem(InputReason.EMPTY, wording("{what} must not be empty.", what=what), path)
    elif len(text) > max_length:
        message = wording(
            "{what} has {number} characters; at most {max_length} are allowed.",
            what=what,
            number=len(text),
            max_length=max_length,
        )
        yield Problem(InputReason.TOO_LONG, message, path)
    elif not _is_storable(text):
        message = wording("{what} contains a NUL character or half a surrogate pair; remove it.", what=what)
        yield Problem(InputReason.UNSUPPORTED_CHARACTER, message, path)


def check_name(text: str, *path: str, max_length: int) -> Iterator[Problem]:
    """The same for what people read as a name: two that look equal must not differ by what nobody sees."""
    if _is_plain(text, max_length):
        return
    found = list(check_text(text, *path, max_length=max_length))
    if not found and (hidden := _first_hidden(text)):
        message = wording(
            "{what} contains the invisible character U+{code:04X}; remove it.", what=path[-1], code=ord(hidden)
        )
        found = [Problem(InputReason.INVISIBLE_CHARACTER, message, path)]
    yield from found


def check_code(text: str, *path: str, max_length: int = CODE_LENGTH) -> Iterator[Problem]:
    """The same for references, codes and logins, in which letters of alphabets that look alike must not be mixed."""
    if _is_plain(text, max_length):
        return
    found = list(check_name(text, *path, max_length=max_length))
    if not found and len(scripts := _lookalike_scripts(text)) > 1:
        names = " and ".join(sorted(name.capitalize() for name in scripts))
        message = wording(
            "{what} mixes {names} letters, which look alike; use those of one alphabet.", what=path[-1], names=names
        )
        found = [Problem(InputReason.MIXED_SCRIPTS, message, path)]
    yield from found


def _is_storable(text: str) -> bool:
    return "\x00" not in text and (text.isascii() or not any("\ud800" <= each <= "\udfff" for each in text))


def _is_plain(text: str, max_length: int) -> bool:
    """Whether it is one of the texts that nearly all are: each check in it costs a fraction of a microsecond."""
    return text.isascii() and text.isprintable() and len(text) <= max_length and not text.isspace() and text != ""


_HIDDEN_CATEGORIES: Final = frozenset({"Cc", "Cf", "Zl", "Zp"})
"""Control characters, formatting ones such as zero-width and bidirectional ones, separators of lines."""

_BLANK: Final = frozenset("\u034f\u115f\u1160\u17b4\u17b5\u180b\u180c\u180d\u180f\u2800\u3164\uffa0")
"""Letters and marks that are not seen either."""


def _first_hidden(text: str) -> str | None:
    return next((each for each in text if each in _BLANK or unicodedata.category(each) in _HIDDEN_CATEGORIES), None)


_LOOKALIKES: Final = frozenset(
    {"LATIN", "CYRILLIC", "GREEK", "ARMENIAN", "CHEROKEE", "COPTIC", "LISU", "FULLWIDTH", "MATHEMATICAL"}
)
"""The first word of a letter's Unicode name tells its alphabet. Letters of these may look like those of another one."""


def _lookalike_scripts(text: str) -> frozenset[str]:
    letters = (unicodedata.name(each, "").partition(" ")[0] for each in text if each.isalpha())
    return _LOOKALIKES.intersection(letters)
