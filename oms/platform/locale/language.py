"""The languages in which the product speaks. English stands in the code; the others in `translations/*.po`.

Each request has a current language, which its responses are written in: a person's own choice, else what the browser or
client asks for in Accept-Language, else English.
"""

import gettext as library
import io
from collections.abc import Iterable
from contextvars import ContextVar
from enum import StrEnum
from functools import lru_cache
from typing import Final

from oms.platform.settings import PROJECT_DIR

TRANSLATIONS: Final = PROJECT_DIR / "translations"


class Language(StrEnum):
    """The code of a language, as in Accept-Language and in the `lang` attribute of a page."""

    ENGLISH = "en"
    GERMAN = "de"


_LANGUAGES: Final = {str(language): language for language in Language}
_current: ContextVar[Language] = ContextVar("language", default=Language.ENGLISH)


def current_language() -> Language:
    """The language of the request that is being answered."""
    return _current.get()


def speak(language: Language) -> None:
    """Answer the present request in this language."""
    _current.set(language)


@lru_cache(maxsize=256)
def preferred(accept_language: str) -> Language:
    """The language that the header likes best among those spoken; English if there is none.

    Source: RFC 9110, 12.5.4. `de-AT` stands for German as well.
    """
    liked = sorted(_ranges(accept_language), key=lambda entry: entry[1], reverse=True)
    for name, weight in liked:
        if weight > 0 and (language := _LANGUAGES.get(name)):
            return language
    return Language.ENGLISH


def _ranges(accept_language: str) -> Iterable[tuple[str, float]]:
    """Languages without their region, and their weights; what is not a weight counts as 0."""
    for entry in accept_language.lower().split(",")[:20]:
        tag, _, weight = entry.partition(";q=")
        try:
            yield tag.strip().partition("-")[0], float(weight or 1)
        except ValueError:
            continue


@lru_cache
def _texts(language: Language) -> library.NullTranslations:
    """The texts of a language, compiled in memory, so that no compiled file can be older than its source."""
    if language is Language.ENGLISH:
        return library.NullTranslations()
    # Workers, which speak English only, would pay for the import with memory.
    from babel.messages.mofile import write_mo  # noqa: PLC0415
    from babel.messages.pofile import read_po  # noqa: PLC0415

    with (TRANSLATIONS / f"{language}.po").open("rb") as file:
        catalogue = read_po(file, locale=str(language))
    compiled = io.BytesIO()
    write_mo(compiled, catalogue)
    compiled.seek(0)
    return library.GNUTranslations(compiled)


def load_texts() -> None:
    """Read all languages now, so that no request has to wait for it."""
    for language in Language:
        _texts(language)


def gettext(text: str) -> str:
    """The text in the current language; the English text where there is no translation."""
    # The header of a catalogue is stored as the translation of the empty text.
    return _texts(_current.get()).gettext(text) if text else ""


def ngettext(one: str, many: str, number: int) -> str:
    """The form of the text that fits the number."""
    return _texts(_current.get()).ngettext(one, many, number)
