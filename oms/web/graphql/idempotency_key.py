"""The Idempotency-Key header: a string as structured fields write it, or bare.

Source: IETF draft-ietf-httpapi-idempotency-key-header; RFC 9651, 3.3.3 (strings).
"""

import re
from collections.abc import Sequence
from typing import Final

from oms.domain.idempotency.keys import RepeatKey
from oms.web.graphql.errors import invalid
from oms.web.graphql.request import Operation

LONGEST: Final = 255

_STRING: Final = re.compile(r'"((?:[\x20-\x21\x23-\x5b\x5d-\x7e]|\\["\\])*)"')
_BARE: Final = re.compile(r"[!#-+\--:<-~]+")  # printable ASCII without blanks, quotes, commas and semicolons
_ESCAPED: Final = re.compile(r'\\(["\\])')


def key_of(headers: Sequence[str]) -> str | None:
    """The key; None without the header. Raises RequestRefused(400) where it is none."""
    if not headers:
        return None
    text = headers[0].strip(" \t")
    if len(headers) > 1:
        raise invalid("Send one Idempotency-Key only.")
    if quoted := _STRING.fullmatch(text):
        key = _ESCAPED.sub(r"\1", quoted[1])
    elif _BARE.fullmatch(text):
        key = text
    else:
        raise invalid('Idempotency-Key must be a string such as "8e03978e-40d5-43dd-bc93-6894a57f9324".')
    if not 1 <= len(key) <= LONGEST:
        raise invalid(f"Idempotency-Key must have 1 to {LONGEST} characters.")
    return key


def repeat_key(headers: Sequence[str], operation: Operation) -> RepeatKey | None:
    """The key with what identifies the request. Raises RequestRefused(400) unless it is one mutation."""
    key = key_of(headers)
    if key is None:
        return None
    if not operation.mutates_once():
        raise invalid("Idempotency-Key goes with a mutation that has exactly one root field.")
    return RepeatKey.of(key, operation.canonical())
