"""Generated requests: no answer is a fault, or contains internals or data that the caller may not see.

`python -m tests.system.fuzz --cases 10000` sends more of them.
"""

import httpx
import pytest

from oms.domain.vocabulary.actor import Role
from tests.platform.conftest import oms
from tests.system.fuzz.fuzzer import fuzz
from tests.system.fuzz.requests import Request
from tests.system.fuzz.shop import CANARY, PRICE_MINOR, RunningShop
from tests.system.fuzz.violations import violations

CASES = 300


@pytest.mark.trial
def test_no_answer_is_wrong_and_the_check_passes_afterwards(shop: RunningShop) -> None:
    report = fuzz(shop, cases=CASES, first_seed=1)
    assert report.wrong == []
    assert report.sent == CASES
    assert len(report.roots) > 20
    assert report.outcomes["200 without errors"] > CASES / 4
    assert oms(shop.instance.environment, "check").returncode == 0


REQUEST = Request(Role.CUSTOMER, {"query": "{ orders { nodes { id } } }"}, "POST", "orders")


@pytest.mark.parametrize(
    ("role", "status", "body", "violation"),
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
def test_a_wrong_answer_is_found(role: Role, status: int, body: str, violation: str) -> None:
    request = Request(role, REQUEST.body, REQUEST.method, REQUEST.root)
    [found] = violations(request, httpx.Response(status, text=body))
    assert found.startswith(violation)


@pytest.mark.trial
def test_support_sees_the_canary_so_its_absence_elsewhere_means_something(shop: RunningShop) -> None:
    document = '{ order(reference: "ben-0") { shippingAddress { name } lines { unitPrice { amount } } } }'
    answers = {}
    for role in (Role.SUPPORT, Role.COURIER, Role.CUSTOMER):
        headers = {"Authorization": f"Bearer {shop.tokens[role]}"}
        answers[role] = httpx.post(f"{shop.url}/graphql", json={"query": document}, headers=headers).text
    assert CANARY in answers[Role.SUPPORT]
    assert str(PRICE_MINOR) in answers[Role.SUPPORT]
    assert str(PRICE_MINOR) not in answers[Role.COURIER]
    assert CANARY not in answers[Role.CUSTOMER]
