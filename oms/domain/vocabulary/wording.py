"""Texts for people: English, but they remember what they were made of, and can be said in another language."""

from collections.abc import Callable, Iterable, Mapping
from typing import Final

Money = Callable[[int, str], str]
"""Writes minor units of a currency."""

_NO_VALUES: Final[Mapping[str, object]] = {}


class Wording(str):
    """An English text, with the template and the values that it was made of. Made by wording()."""

    __slots__ = ("template", "values")

    template: str
    values: Mapping[str, object]


class Amount(str):
    """An amount of money as English text, with the minor units and the currency that it was made of."""

    __slots__ = ("currency", "minor")

    minor: int
    currency: str


def wording(template: str, /, **values: object) -> Wording:
    """`template` is a literal, which translators see, with {names} of the values as str.format() takes them."""
    text = Wording(template.format(**values) if values else template)
    text.template, text.values = template, values or _NO_VALUES
    return text


def joined(texts: Iterable[Wording], *, by: str = " ") -> Wording:
    """One after the other, each translated for itself."""
    parts: dict[str, object] = {f"part_{n}": part for n, part in enumerate(texts)}
    return wording(by.join(f"{{{name}}}" for name in parts), **parts)


def said(text: str, gettext: Callable[[str], str], money: Money | None = None) -> str:
    """The text in the language of `gettext`, and so its values that are wordings; `money` writes its amounts."""
    if not isinstance(text, Wording):
        return gettext(text)
    if not text.values:
        return gettext(text.template)
    values = {name: _value(value, gettext, money) for name, value in text.values.items()}
    return gettext(text.template).format(**values)


def _value(value: object, gettext: Callable[[str], str], money: Money | None) -> object:
    if isinstance(value, Wording):
        return said(value, gettext, money)
    return money(value.minor, value.currency) if money and isinstance(value, Amount) else value
