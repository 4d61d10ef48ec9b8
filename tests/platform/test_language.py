"""The language of a response: what the reader prefers of those that the product speaks."""

import pytest

from oms.platform.locale.language import Language, gettext, preferred, speak


@pytest.mark.parametrize(
    ("header", "language"),
    [
        ("", "en"),
        ("de", "de"),
        ("de-AT,de;q=0.9,en;q=0.8", "de"),
        ("en-GB,en;q=0.9,de;q=0.8", "en"),
        ("fr,de;q=0.5", "de"),
        ("fr", "en"),
        ("en;q=0.2,DE;q=0.7", "de"),
        ("de;q=0,en", "en"),
        ("*", "en"),
        ("de;q=high", "en"),
        ("," * 10_000, "en"),
    ],
)
def test_the_header_s_best_liked_language_that_is_spoken(header: str, language: str) -> None:
    assert preferred(header) == language


def test_a_text_is_said_in_the_current_language_or_in_english() -> None:
    speak(Language.GERMAN)
    try:
        assert gettext("Skip to content") == "Zum Inhalt springen"
        assert gettext("A text that nobody has translated") == "A text that nobody has translated"
        assert gettext("") == ""
    finally:
        speak(Language.ENGLISH)
    assert gettext("Skip to content") == "Skip to content"
