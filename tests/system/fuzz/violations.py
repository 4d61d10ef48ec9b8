"""What no answer may contain: a fault of the product, its internals, or data that the caller may not see."""

import re
from collections.abc import Iterator
from typing import Final

import httpx

from oms.domain.vocabulary.actor import Role
from oms.platform.settings import PROJECT_DIR
from tests.system.fuzz.requests import Request
from tests.system.fuzz.shop import CANARY, PRICE_MINOR

INTERNALS: Final = {
    "a stack trace": r"Traceback \(most recent call last\)|File \\?\".+\.py",
    "a path of ours": rf"site-packages|{re.escape(str(PROJECT_DIR))}",
    "a library's name": r"asyncpg|sqlalchemy|strawberry|graphql\.error|starlette|redis\.|uvicorn",
    "SQL": r"\b(SELECT|INSERT INTO|UPDATE|DELETE FROM)\b .+\b(FROM|VALUES|SET|WHERE)\b",
    "a table": r"\b(order_lines|order_events|access_tokens|idempotency_keys)\b",
    "a Python object": r"<[\w.]+ object at 0x|NoneType|KeyError|AttributeError|TypeError",
}


def violations(request: Request, answer: httpx.Response) -> Iterator[str]:
    """Each in a few words. The answer may repeat what the request contains."""
    if answer.status_code >= 500:
        yield f"status {answer.status_code}"
    if "INTERNAL" in _codes(answer):
        yield "a masked fault"
    sent = str(request.body)
    for what, pattern in INTERNALS.items():
        if (found := re.search(pattern, answer.text)) and found[0] not in sent:
            yield f"{what}: {found[0][:60]!r}"
    yield from _leaks(request, answer.text)


def _leaks(request: Request, text: str) -> Iterator[str]:
    if request.role is Role.CUSTOMER and (CANARY in text or str(PRICE_MINOR) in text):
        yield "another customer's data"
    if request.role is Role.COURIER:
        if f"{CANARY}@" in text:
            yield "an e-mail address, to a courier"
        if str(PRICE_MINOR) in text:
            yield "a price, to a courier"


def _codes(answer: httpx.Response) -> set[str]:
    """The codes of errors. An answer that is not JSON counts as INTERNAL."""
    try:
        body = answer.json()
    except ValueError:
        return {"INTERNAL"}
    return {str(error.get("extensions", {}).get("code", "INTERNAL")) for error in body.get("errors", ())}
