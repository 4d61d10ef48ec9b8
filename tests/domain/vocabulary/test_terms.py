"""Terms and telephone numbers are compared as people write them."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from oms.domain.vocabulary.texts.phone import check_phone, last_digits_first, phone_sought, written_phone
from oms.domain.vocabulary.texts.terms import MAX_TERM, term_of, terms_of_code, terms_of_words


@pytest.mark.parametrize(
    ("text", "term"),
    [
        ("A-1001", "a1001"),
        ("Müller", "muller"),
        ("MUELLER", "muller"),
        ("Groß", "gross"),
        ("Ærø", "aro"),
        ("Łódź", "lodz"),
        ("Ａ１", "a1"),
        ("%_-", ""),
        ("Иван", "иван"),
    ],
)
def test_case_accents_and_separators_do_not_matter(text: str, term: str) -> None:
    assert term_of(text) == term


@given(st.text(max_size=40), st.integers(0, 40))
def test_the_beginning_of_a_text_is_the_beginning_of_its_term(text: str, length: int) -> None:
    assert term_of(text).startswith(term_of(text[:length]))


@given(st.text(max_size=300))
def test_a_term_is_short_and_made_of_letters_and_digits(text: str) -> None:
    assert term_of(text).isalnum() or term_of(text) == ""
    assert all(len(each) <= MAX_TERM for each in (*terms_of_code(text), *terms_of_words(text)))
    assert len([*terms_of_code(text), *terms_of_words(text)]) < 200


def test_a_name_is_found_by_each_word_and_by_the_parts_of_words() -> None:
    assert set(terms_of_words("Ana-Lena  O'Neil Müller-Groß")) == {
        "analena", "ana", "lena", "oneil", "mullergross", "muller", "gross",
    }  # fmt: skip
    assert set(terms_of_code("SW1A 1AA")) == {"sw1a1aa", "1aa"}


@pytest.mark.parametrize(
    "sought", ["0170 1234567", "+49 170 1234567", "0049-170-1234567", "(0170) 123 45 67", "+49 (0)170/1234567", "4567"]
)
@pytest.mark.parametrize("kept", ["0170/1234567", "+49 170 1234567", "00491701234567", "+49 (0)170 1234567"])
def test_a_telephone_number_is_found_however_it_was_written(kept: str, sought: str) -> None:
    assert list(check_phone(kept)) == []
    beginning = phone_sought(sought)
    assert beginning is not None
    assert last_digits_first(written_phone(kept)).startswith(beginning)


@pytest.mark.parametrize("sought", ["123", "abc", "R-1001", "", "1" * 16])
def test_what_is_no_telephone_number_is_not_looked_for_as_one(sought: str) -> None:
    assert phone_sought(sought) is None


@pytest.mark.parametrize("bad", ["", "1234", "call me", "1" * 16, "+49 30 123456 after six", "0 " * 30, "\x00123456"])
def test_what_is_no_telephone_number_is_refused(bad: str) -> None:
    assert [problem.reason.name for problem in check_phone(bad)] == ["BAD_PHONE"]


def test_it_is_kept_without_separators() -> None:
    assert written_phone("0049 (0)30 / 12-34-56") == "+4930123456"
    assert written_phone("030 123456") == "030123456"
