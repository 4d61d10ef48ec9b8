"""Removes secrets and personal data, recognised by the name or the form of a value, from logs and messages."""

import re
from collections.abc import Mapping
from typing import Any, Final

HIDDEN: Final = "[redacted]"

QUOTES_A_VALUE: Final = r"(invalid input (?:for query argument \$\d+|syntax for type [^:\n]+): )"
"""The start of errors that quote a given value."""

_SECRET_NAMES: Final = (
    "address", "authorization", "body", "city", "cookie", "credential", "customer", "email", "headers", "line1",
    "line2", "login", "parameters", "password", "postal", "reference", "secret", "session", "token", "variables",
)  # fmt: skip
_NAMED: Final = re.compile("|".join((*_SECRET_NAMES, r"(^|_)name$")), re.IGNORECASE)

_PATTERNS: Final = (
    # A URL's password; a bearer token; an e-mail address.
    (re.compile(r"(?<=://)([^\s:@/]*):[^\s@/]+(?=@)"), rf"\1:{HIDDEN}"),
    (re.compile(r"\boms_[A-Za-z0-9_-]{8,}"), HIDDEN),
    (re.compile(r"(?i)\b(bearer|basic)\s+[A-Za-z0-9._~+/=-]{8,}"), rf"\1 {HIDDEN}"),
    (re.compile(r"[^\s@\"'<>()\[\]{},;:=/]+@[\w-]+(\.[\w-]+)+"), HIDDEN),
    # PostgreSQL and its driver quote values and rows, which may be any text: remove everything that follows.
    (re.compile(rf"(?s){QUOTES_A_VALUE}(?!\[redacted\]).*"), rf"\1{HIDDEN}"),
    (re.compile(r"(?s)\bDETAIL:\s+(?!\[redacted\]).*"), f"DETAIL:  {HIDDEN}"),
)


def redacted_text(text: str) -> str:
    """The text without anything that looks like a secret, an e-mail address or a quoted row."""
    for pattern, replacement in _PATTERNS:
        text = pattern.sub(replacement, text)
    return text


def redacted(name: str, value: Any) -> Any:
    """The value as it may be logged under that name; lists and mappings are redacted part by part."""
    if value is not None and not isinstance(value, bool | int | float) and _NAMED.search(name):
        return HIDDEN
    match value:
        case str():
            return redacted_text(value)
        case Mapping():
            return {str(key): redacted(str(key), part) for key, part in value.items()}
        case list() | tuple() | set() | frozenset():
            return [redacted(name, part) for part in value]
        case None | bool() | int() | float():
            return value
    return redacted_text(str(value))
