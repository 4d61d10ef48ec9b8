"""The Idempotency-Key header: a quoted string of structured fields, or a bare token.

Source: IETF draft-ietf-httpapi-idempotency-key-header; RFC 9651, 3.3.3 (strings).
"""

import re
from collections.abc import Sequence
from typing import Final

from oms.domain.idempotency.keys import IdempotencyKey
from oms.web.errors.refusals import invalid
from oms.web.graphql.request import GraphQLRequest

MAX_CHARACTERS: Final = 255

_STRING: Final = re.compile(r'"((?:[\x20-\x21\x23-\x5b\x5d-\x7e]|\\["\\])*)"')
_BARE: Final = re.compile(r"[!#-+\--:<-~]+")  # printable ASCII without blanks, quotes, commas and semicolons
_PRINTABLE: Final = re.compile(r"[\x20-\x7e]*")
_ESCAPED: Final = re.compile(r'\\(["\\])')


def key_of(headers: Sequence[str]) -> str | None:
    """The key; None without the header. Raises RequestRefused(400) if it is malformed."""
    if not headers:
        return None
    text = headers[0].strip(" \t")
    if len(headers) > 1:
        raise invalid("Send only one Idempotency-Key.")
    if quoted := _STRING.fullmatch(text):
        key = _ESCAPED.sub(r"\1", quoted[1])
    elif _BARE.fullmatch(text):
        key = text
    else:
        raise invalid('Idempotency-Key must be a string such as "8e03978e-40d5-43dd-bc93-6894a57f9324".')
    return _of_valid_length(key)


def _of_valid_length(key: str) -> str:
    if not 1 <= len(key) <= MAX_CHARACTERS:
        raise invalid(f"Idempotency-Key must have 1 to {MAX_CHARACTERS} characters.")
    return key


def form_key(text: str, request: GraphQLRequest) -> IdempotencyKey:
    """That of a form's hidden field, for the mutation that the form sends. Raises RequestRefused(400) as key_of()."""
    if not _PRINTABLE.fullmatch(text):
        raise invalid("The form's key must be printable ASCII characters: reload the page and try again.")
    return IdempotencyKey.of(_of_valid_length(text), request.canonical())


def repeat_key(headers: Sequence[str], request: GraphQLRequest) -> IdempotencyKey | None:
    """The key together with the request's content. Raises RequestRefused(400) unless it is a single mutation."""
    key = key_of(headers)
    if key is None:
        return None
    if not request.mutates_once():
        raise invalid("Idempotency-Key needs a mutation with exactly one root field.")
    return IdempotencyKey.of(key, request.canonical())
