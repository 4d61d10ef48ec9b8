"""What no answer may be: a fault of ours, or a word of what its reader may not know."""

import re
from collections.abc import Iterator
from typing import Final

import httpx

from oms.domain.vocabulary.actor import Role
from oms.platform.settings import PROJECT_DIR
from tests.system.fuzz.questions import Question
from tests.system.fuzz.shop import CANARY, PRICE_MINOR

INTERNALS: Final = {
    "a stack trace": r"Traceback \(most recent call last\)|File \\?\".+\.py",
    "a path of ours": rf"site-packages|{re.escape(str(PROJECT_DIR))}",
    "a library's name": r"asyncpg|sqlalchemy|strawberry|graphql\.error|starlette|redis\.|uvicorn",
    "SQL": r"\b(SELECT|INSERT INTO|UPDATE|DELETE FROM)\b .+\b(FROM|VALUES|SET|WHERE)\b",
    "a table": r"\b(order_lines|order_events|access_tokens|idempotency_keys)\b",
    "a Python object": r"<[\w.]+ object at 0x|NoneType|KeyError|AttributeError|TypeError",
}


def complaints(question: Question, answer: httpx.Response) -> Iterator[str]:
    """What is wrong with the answer, each in a few words; what the question itself said may be said again."""
    if answer.status_code >= 500:
        yield f"status {answer.status_code}"
    if "INTERNAL" in _codes(answer):
        yield "a masked fault"
    sent = str(question.body)
    for what, pattern in INTERNALS.items():
        if (found := re.search(pattern, answer.text)) and found[0] not in sent:
            yield f"{what}: {found[0][:60]!r}"
    yield from _leaks(question, answer.text)


def _leaks(question: Question, text: str) -> Iterator[str]:
    if question.role is Role.CUSTOMER and (CANARY in text or str(PRICE_MINOR) in text):
        yield "another customer's data"
    if question.role is Role.COURIER:
        if f"{CANARY}@" in text:
            yield "an e-mail address, to a courier"
        if str(PRICE_MINOR) in text:
            yield "a price, to a courier"


def _codes(answer: httpx.Response) -> set[str]:
    """The codes of errors. An answer that is no JSON has the code NO_JSON, which none may have."""
    try:
        body = answer.json()
    except ValueError:
        return {"INTERNAL"}
    return {str(error.get("extensions", {}).get("code", "INTERNAL")) for error in body.get("errors", ())}
