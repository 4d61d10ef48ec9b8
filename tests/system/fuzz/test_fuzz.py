"""Questions that nobody thought of: no answer is a fault, tells of our internals, or tells what is not the reader's.

`python -m tests.system.fuzz --cases 10000` asks more of them.
"""

import httpx
import pytest

from oms.domain.vocabulary.actor import Role
from tests.platform.conftest import oms
from tests.system.fuzz.asking import ask
from tests.system.fuzz.questions import Question
from tests.system.fuzz.shop import CANARY, PRICE_MINOR, Asked
from tests.system.fuzz.verdict import complaints

CASES = 300


@pytest.mark.trial
def test_no_answer_is_a_fault_or_tells_too_much_and_the_shop_is_whole_afterwards(shop: Asked) -> None:
    report = ask(shop, cases=CASES, beginning=1)
    assert report.bad == []
    assert report.asked == CASES
    assert len(report.roots) > 20
    assert report.outcomes["200 told"] > CASES / 4
    assert oms(shop.instance.environment, "check").returncode == 0


QUESTION = Question(Role.CUSTOMER, {"query": "{ orders { nodes { id } } }"}, "POST", "orders")


@pytest.mark.parametrize(
    ("role", "status", "body", "complaint"),
    [
        (Role.SUPPORT, 502, "{}", "status 502"),
        (Role.SUPPORT, 200, '{"errors": [{"message": "x", "extensions": {"code": "INTERNAL"}}]}', "a masked fault"),
        (Role.SUPPORT, 200, '{"errors": [{"message": "x"}]}', "a masked fault"),
        (Role.SUPPORT, 200, "<html>", "a masked fault"),
        (Role.SUPPORT, 200, '{"data": "Traceback (most recent call last)"}', "a stack trace"),
        (Role.SUPPORT, 200, '{"data": "SELECT id FROM orders"}', "SQL"),
        (Role.CUSTOMER, 200, f'{{"data": "{CANARY}"}}', "another customer's data"),
        (Role.COURIER, 200, f'{{"data": "{CANARY}@example.com"}}', "an e-mail address, to a courier"),
        (Role.COURIER, 200, f'{{"data": {PRICE_MINOR}}}', "a price, to a courier"),
    ],
)
def test_what_would_be_wrong_is_noticed(role: Role, status: int, body: str, complaint: str) -> None:
    question = Question(role, QUESTION.body, QUESTION.method, QUESTION.root)
    [found] = complaints(question, httpx.Response(status, text=body))
    assert found.startswith(complaint)


@pytest.mark.trial
def test_support_is_told_what_the_canary_is_in_so_that_its_silence_means_something(shop: Asked) -> None:
    document = '{ order(reference: "ben-0") { shippingAddress { name } lines { unitPrice { amount } } } }'
    answers = {}
    for role in (Role.SUPPORT, Role.COURIER, Role.CUSTOMER):
        headers = {"Authorization": f"Bearer {shop.tokens[role]}"}
        answers[role] = httpx.post(f"{shop.url}/graphql", json={"query": document}, headers=headers).text
    assert CANARY in answers[Role.SUPPORT]
    assert str(PRICE_MINOR) in answers[Role.SUPPORT]
    assert str(PRICE_MINOR) not in answers[Role.COURIER]
    assert CANARY not in answers[Role.CUSTOMER]
