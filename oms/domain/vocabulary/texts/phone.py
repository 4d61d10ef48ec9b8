"""Telephone numbers: checked, written in one way, and compared by their last digits."""

import re
import unicodedata
from collections.abc import Iterator
from typing import Final

from oms.domain.vocabulary.errors import InputReason, Problem
from oms.domain.vocabulary.wording import wording

PHONE_LENGTH: Final = 40
MIN_DIGITS: Final = 5
MAX_DIGITS: Final = 15
"""Those of the longest international number (ITU-T E.164)."""

MIN_LAST_DIGITS: Final = 4
"""Fewer digits are not taken for the end of a telephone number."""

_WRITTEN: Final = re.compile(r"[\s(]*\+?[\d\s().,/\-\u2010-\u2015]+")
_TRUNK: Final = re.compile(r"^(\+|00)(.*?)\(0\)")
_COUNTRY: Final = re.compile(r"[17]|2[07]|3[0-469]|4[013-9]|5[1-8]|6[0-6]|8[1246]|9[0-58]|[0-9]{3}")
"""The codes of countries (ITU-T E.164)."""


def check_phone(text: str) -> Iterator[Problem]:
    """Problems with a number as somebody wrote it."""
    digits = _digits(text) if len(text) <= PHONE_LENGTH and _is_written(text) else ""
    if not MIN_DIGITS <= len(digits) <= MAX_DIGITS:
        message = wording(
            "phone is not a telephone number such as +49 30 123456: {min} to {max} digits, with spaces, hyphens,"
            " slashes or brackets between them, and at most {length} characters in all.",
            min=MIN_DIGITS,
            max=MAX_DIGITS,
            length=PHONE_LENGTH,
        )
        yield Problem(InputReason.BAD_PHONE, message, ("phone",))


def written_phone(text: str) -> str:
    """A checked number without separators: digits, after a plus sign if it begins with the code of a country."""
    return ("+" if _is_international(text) else "") + _digits(text)


def last_digits_first(text: str) -> str:
    """The digits of a checked number in reverse, so that its last digits are the beginning."""
    return _digits(text)[::-1]


def phone_sought(text: str) -> str | None:
    """What last_digits_first() of the numbers that somebody looks for begins with; None if the text is no number.

    Whether a number was stored with the code of its country is unknown, so neither that nor the 0 before the area
    counts.
    """
    if not _is_written(text):
        return None
    digits = _digits(text)
    if _is_international(text) and (country := _COUNTRY.match(digits)):
        digits = digits[country.end() :]
    digits = digits.lstrip("0") or digits
    return digits[::-1] if MIN_LAST_DIGITS <= len(digits) <= MAX_DIGITS else None


def _is_written(text: str) -> bool:
    return _WRITTEN.fullmatch(_plain(text)) is not None


def _plain(text: str) -> str:
    return text if text.isascii() else unicodedata.normalize("NFKC", text)


def _is_international(text: str) -> bool:
    return _plain(text).lstrip(" (").startswith(("+", "00"))


def _digits(text: str) -> str:
    """Without the 00 before a country's code, and without the (0) that is not dialled from abroad."""
    plain = _TRUNK.sub(r"\1\2", _plain(text))
    digits = "".join(each for each in plain if each in "0123456789")
    return digits.removeprefix("00")
