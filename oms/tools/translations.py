"""`python -m oms translations`: brings translations/*.po up to date with the texts of templates and code.

New texts come without a translation, which tests refuse; texts that are no longer said are dropped.
"""

import io
from collections.abc import Iterator
from os import PathLike
from typing import Final

from babel.messages import Catalog
from babel.messages.extract import extract_from_dir
from babel.messages.pofile import read_po, write_po

from oms.domain.concept.registry import registered
from oms.domain.vocabulary.actor import Role
from oms.domain.vocabulary.failures import PHRASES
from oms.platform.locale.language import TRANSLATIONS, Language
from oms.platform.settings import PROJECT_DIR
from oms.web.pages.declarations import Group

_METHODS: Final = [("oms/**.py", "python"), ("templates/**.html", "jinja2")]
_OPTIONS: Final = {"templates/**.html": {"newstyle_gettext": "true", "trim_blocks": "true", "silent": "false"}}
_KEYWORDS: Final = {
    "_": None,
    "gettext": None,
    "ngettext": (1, 2),
    "wording": None,
    # Each makes sentences of events from its first argument.
    "_plain": None,
    "_amount": None,
    "_sentence": None,
    "fixed": None,
    # The label of a place of the navigation.
    "Entry": None,
}
"""Functions whose first argument is a text that people read."""

_SOURCES: Final = ("oms", "templates")


_HEADER: Final = (
    'msgid ""\nmsgstr ""\n"Language: {language}\\n"\n"Plural-Forms: {plurals}\\n"\n'
    '"Content-Type: text/plain; charset=utf-8\\n"\n\n'
)


def template() -> Catalog:
    """All texts that people read, and where they stand."""
    catalogue = Catalog(header_comment="", charset="utf-8")
    found = extract_from_dir(PROJECT_DIR, _METHODS, _OPTIONS, _KEYWORDS, (), directory_filter=_is_source)
    for file, _, message, _, context in found:
        catalogue.add(message, locations=[(file, 0)], context=context)
    for text, place in _declared():
        if text:
            catalogue.add(text, locations=[(place, 0)])
    return catalogue


def _is_source(path: str | PathLike[str]) -> bool:
    """Whether babel shall look into the folder: extract_from_dir() asks it about each."""
    inside = str(path).removeprefix(str(PROJECT_DIR)).lstrip("/")
    return not inside or inside.split("/")[0] in _SOURCES


def _declared() -> Iterator[tuple[str, str]]:
    """Texts that are values of declarations rather than arguments of a function."""
    for machine in registered().machines:
        yield machine.noun, "machines"
        for command in machine.commands.values():
            yield command.verb, "machines"
        for status in machine.texts.values():
            yield from ((text, "statuses") for text in (status.label, status.next_step, status.customer_label))
    yield from ((str(permission), "permissions") for permission in registered().permissions.values())
    yield from ((kind.queue.capitalize(), "queues") for kind in registered().work_kinds.values())
    yield from ((text, "steps") for kind in registered().work_kinds.values() for text in kind.phrases.values())
    yield from ((text, "failures") for text in PHRASES.values())
    yield from ((str(group), "navigation") for group in Group)
    yield from ((role.lower(), "roles") for role in Role)


def updated(language: Language) -> Catalog:
    """The language's catalogue with all texts of the template and no others."""
    with (TRANSLATIONS / f"{language}.po").open("rb") as file:
        catalogue = read_po(file, locale=str(language))
    catalogue.update(template(), no_fuzzy_matching=True)
    return catalogue


def save(language: Language, catalogue: Catalog) -> None:
    """Writes the language's file, with a header that does not change from day to day."""
    body = io.BytesIO()
    write_po(body, catalogue, width=120, omit_header=True, ignore_obsolete=True, sort_output=True, include_lineno=False)
    header = _HEADER.format(language=language, plurals=catalogue.plural_forms)
    (TRANSLATIONS / f"{language}.po").write_bytes(header.encode() + body.getvalue())


def write(language: Language) -> int:
    """Updates the language's file; returns how many texts wait for their translation."""
    catalogue = updated(language)
    save(language, catalogue)
    return len(untranslated(catalogue))


def untranslated(catalogue: Catalog) -> list[str]:
    """The English of all texts that lack one of their forms."""
    return [str(message.id) for message in catalogue if message.id and not all(_strings(message.string))]


def _strings(string: object) -> tuple[str, ...]:
    return tuple(string) if isinstance(string, (tuple, list)) else (str(string or ""),)
