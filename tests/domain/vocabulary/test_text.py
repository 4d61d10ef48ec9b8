"""Names and references that look alike are alike: nothing in them is unseen, and no alphabets are mixed."""

from typing import Any

import pytest

from oms.domain.catalog.model import Product, Warehouse
from oms.domain.identity.accounts import NewAccount
from oms.domain.placing.request import LineRequest, OrderRequest
from oms.domain.tokens import commands as tokens
from oms.domain.vocabulary.actor import Role
from oms.domain.vocabulary.errors import Problem, Refused
from oms.domain.vocabulary.texts.checks import check_code, check_name
from tests.shop import ShopUnderTest

HIDDEN = {
    "zero-width space": "AB\u200bC",
    "zero-width joiner": "AB\u200dC",
    "byte order mark": "\ufeffABC",
    "soft hyphen": "AB\u00adC",
    "right-to-left override": "AB\u202eC",
    "isolate": "AB\u2066C",
    "line break": "AB\nC",
    "escape": "AB\x1bC",
    "delete": "AB\x7fC",
    "line separator": "AB\u2028C",
    "tag letter": "AB\U000e0041C",
    "Hangul filler": "AB\u3164C",
    "combining grapheme joiner": "AB\u034fC",
}
MIXED = {
    "Cyrillic a": "C\u0410RT-2000",
    "Greek omicron": "\u039frder",
    "fullwidth A": "C\uff21RT",
    "mathematical A": "C\U0001d400RT",
    "Cherokee": "\u13acART",
}
FINE = [
    "CART-2000",
    "\u041a\u043e\u0440\u0437\u0438\u043d\u0430-7",
    "caf\u00e9",
    "\u6ce8\u6587-A1",
    "\u05d4\u05d6\u05de\u05e0\u05d4 5",
    "\u0627\u0644\u0637\u0644\u0628-B",
]


def reasons(problems: list[Problem]) -> list[str]:
    return [problem.reason.name for problem in problems]


@pytest.mark.parametrize("text", HIDDEN.values(), ids=HIDDEN)
def test_an_invisible_character_is_refused_in_names_and_references(text: str) -> None:
    for check in (check_name, check_code):
        assert reasons(list(check(text, "name", max_length=100))) == ["INVISIBLE_CHARACTER"]


@pytest.mark.parametrize("text", MIXED.values(), ids=MIXED)
def test_alphabets_that_look_alike_are_not_mixed_in_references(text: str) -> None:
    assert reasons(list(check_code(text, "reference"))) == ["MIXED_SCRIPTS"]
    assert not list(check_name(text, "name", max_length=100)), "a name may be a brand in two alphabets"


@pytest.mark.parametrize("text", FINE)
def test_any_alphabet_is_allowed(text: str) -> None:
    assert not list(check_code(text, "reference"))


UNSEEN, LOOKALIKE = HIDDEN["zero-width space"], MIXED["Cyrillic a"]
LINES = (LineRequest("MUG", 1),)


def test_orders_the_catalogue_and_accounts_are_checked() -> None:
    checked: list[tuple[Any, str]] = [
        (OrderRequest(LOOKALIKE, "ana", LINES, "card"), "MIXED_SCRIPTS"),
        (OrderRequest("a", LOOKALIKE, LINES, "card"), "MIXED_SCRIPTS"),
        (OrderRequest(UNSEEN, "ana", LINES, "card"), "INVISIBLE_CHARACTER"),
        (Warehouse(LOOKALIKE, "North"), "MIXED_SCRIPTS"),
        (Warehouse("N", UNSEEN), "INVISIBLE_CHARACTER"),
        (Product(LOOKALIKE, "Mug", 1, "USD"), "MIXED_SCRIPTS"),
        (Product("MUG", UNSEEN, 1, "USD"), "INVISIBLE_CHARACTER"),
        (NewAccount("ana", UNSEEN, Role.MANAGER), "INVISIBLE_CHARACTER"),
        (NewAccount(LOOKALIKE, "Ana", Role.MANAGER), "MIXED_SCRIPTS"),
        (NewAccount("ana", "Ana", Role.CUSTOMER, LOOKALIKE), "MIXED_SCRIPTS"),
    ]
    for given, reason in checked:
        assert reasons(list(given.problems())) == [reason], given


@pytest.mark.parametrize(
    ("name", "customer", "reason"), [(UNSEEN, "ana", "INVISIBLE_CHARACTER"), ("a", LOOKALIKE, "MIXED_SCRIPTS")]
)
async def test_tokens_are_checked(shop: ShopUnderTest, name: str, customer: str, reason: str) -> None:
    with pytest.raises(Refused) as refusal:
        async with shop.db.transaction() as tx:
            await tokens.issue_token(tx, role=Role.CUSTOMER, name=name, customer_reference=customer, days=1)
    assert reasons(list(refusal.value.problems)) == [reason]
