"""Texts for people: English, but they remember what they were made of, and can be said in another language."""

from collections.abc import Callable, Iterable, Mapping
from typing import Final

_NO_VALUES: Final[Mapping[str, object]] = {}


class Wording(str):
    """An English text, with the template and the values that it was made of. Made by wording()."""

    __slots__ = ("template", "values")

    template: str
    values: Mapping[str, object]


def wording(template: str, /, **values: object) -> Wording:
    """`template` is a literal, which translators see, with {names} of the values as str.format() takes them."""
    text = Wording(template.format(**values) if values else template)
    text.template, text.values = template, values or _NO_VALUES
    return text


def joined(texts: Iterable[Wording], *, by: str = " ") -> Wording:
    """One after the other, each translated for itself."""
    parts: dict[str, object] = {f"part_{n}": part for n, part in enumerate(texts)}
    return wording(by.join(f"{{{name}}}" for name in parts), **parts)


def said(text: str, gettext: Callable[[str], str]) -> str:
    """The text in the language of `gettext`; so are those of its values that are wordings."""
    if not isinstance(text, Wording):
        return gettext(text)
    if not text.values:
        return gettext(text.template)
    values = {
        name: said(value, gettext) if isinstance(value, Wording) else value for name, value in text.values.items()
    }
    return gettext(text.template).format(**values)
