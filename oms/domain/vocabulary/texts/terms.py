"""Search terms: the form in which texts are compared by a search, so that case, accents and separators do not matter.

A term is made of small letters and digits. The term of a text's beginning is the beginning of the text's term, so
whoever types part of a word finds the whole.
"""

import unicodedata
from collections.abc import Iterator
from typing import Final

MAX_TERM: Final = 60
"""Characters of a term; what follows is not compared."""

MAX_TERMS: Final = 10
"""Terms of one text."""

_APOSTROPHES: Final = str.maketrans("", "", "'’‘`´")
_UMLAUTS: Final = (("ae", "a"), ("oe", "o"), ("ue", "u"))
"""How German umlauts are written without them: Mueller, Müller and Muller are one term."""

_WITHOUT_STROKE: Final = str.maketrans("øłđæœıð", "oldaoid")
"""Letters that Unicode does not take apart into a letter and an accent."""


def term_of(text: str) -> str:
    """The whole text as one term; empty if it has neither letters nor digits."""
    if text.isascii():
        folded = text.lower()
    else:
        folded = unicodedata.normalize("NFKD", text).casefold().translate(_WITHOUT_STROKE)
    if not folded.isalnum():
        folded = "".join(filter(str.isalnum, folded))
    for written, plain in _UMLAUTS:
        folded = folded.replace(written, plain)
    return folded[:MAX_TERM]


def terms_of_code(text: str) -> Iterator[str]:
    """Of a number or an address of one piece: it is found by its beginning, and by later pieces if it is spaced."""
    yield term_of(text)
    for piece in text.split(maxsplit=MAX_TERMS)[1:MAX_TERMS]:
        yield term_of(piece)


def terms_of_words(text: str) -> Iterator[str]:
    """Of a name: each of its words, and the parts of words with hyphens."""
    for word in text.split(maxsplit=MAX_TERMS)[:MAX_TERMS]:
        yield term_of(word)
        parts = _parts(word)
        if len(parts) > 1:
            yield from map(term_of, parts[:MAX_TERMS])


def _parts(word: str) -> list[str]:
    if word.isalnum():
        return [word]
    plain = unicodedata.normalize("NFKC", word).translate(_APOSTROPHES)
    return "".join(each if each.isalnum() else " " for each in plain).split()
