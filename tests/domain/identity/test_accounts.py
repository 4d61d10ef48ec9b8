"""Logins: what is too long is refused before it is normalised, whose work grows with the square of the length."""

import unicodedata
from typing import Literal

import pytest

from oms.domain.identity import accounts
from oms.domain.identity.accounts import LOGIN_LENGTH, login_problems, normalized_login

MARKS = "a" + "\u0345" * 15_900 + "\u0334" * 15_900


@pytest.fixture
def normalised(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The texts that were normalised."""
    texts: list[str] = []

    class Recording:
        def normalize(self, form: Literal["NFKC"], text: str) -> str:
            texts.append(text)
            return unicodedata.normalize(form, text)

    monkeypatch.setattr(accounts, "unicodedata", Recording())
    return texts


def test_a_login_that_is_too_long_is_a_problem_and_is_not_normalised(normalised: list[str]) -> None:
    [problem] = login_problems(MARKS)
    assert problem.reason.name == "TOO_LONG"
    assert normalised == []


def test_a_login_that_is_too_long_cannot_be_normalised(normalised: list[str]) -> None:
    with pytest.raises(ValueError, match="31801 characters"):
        normalized_login(MARKS)
    assert normalised == []


def test_the_longest_login_is_normalised() -> None:
    assert normalized_login("A" * LOGIN_LENGTH) == "a" * LOGIN_LENGTH
