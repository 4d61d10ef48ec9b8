"""The check of commit messages refuses what breaks the rule and nothing else."""

import pytest

from tests.commits import MAX_SUBJECT, Commit, complaints


@pytest.mark.parametrize(
    "subject",
    [
        "Add partial refunds", "Re-read the settings", "Process returns in batches", "Embed the fonts",
        "Seed the demo's catalogue", "Bring forward what was archived", "Focus the first field",
        "Split tests/conftest.py", "Use a" + "b" * (MAX_SUBJECT - 5),
    ],
)  # fmt: skip
def test_an_imperative_with_a_body_is_accepted(subject: str) -> None:
    assert list(complaints(Commit("1", subject, "Because."))) == []


@pytest.mark.parametrize(
    ("subject", "complaint"),
    [
        ("The refunds are partial", "imperative"),
        ("Docs: a transaction has a timeout", "imperative"),
        ("Added partial refunds", "imperative"),
        ("Adding partial refunds", "imperative"),
        ("Adds partial refunds", "imperative"),
        ("add partial refunds", "imperative"),
        ("Fix", "imperative"),
        ("README: how fast", "imperative"),
        ("Add partial refunds.", "full stop"),
        ("Add " + "x" * (MAX_SUBJECT - 3), "73 characters"),
    ],
)
def test_another_subject_is_refused(subject: str, complaint: str) -> None:
    [found] = complaints(Commit("1", subject, "Because."))
    assert complaint in found


def test_a_commit_without_a_body_is_refused() -> None:
    assert list(complaints(Commit("1", "Add partial refunds", "\n"))) == ["there is no body that says why"]
