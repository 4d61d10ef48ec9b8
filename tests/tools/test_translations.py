"""The product speaks its languages completely: each text is translated, with the same values in it."""

import re
from pathlib import Path
from string import Formatter
from typing import Any

import pytest
from babel.messages import Catalog
from babel.messages.pofile import read_po
from jinja2 import Environment
from jinja2.ext import i18n

from oms.domain.concepts import REGISTRY
from oms.platform.locale.language import TRANSLATIONS, Language
from oms.tools.translations import template, untranslated, updated
from oms.web.pages.rendering.site import TEMPLATES

OTHERS = [language for language in Language if language is not Language.ENGLISH]


def forms(text: Any) -> tuple[str, ...]:
    return (text,) if isinstance(text, str) else tuple(text)


def values_in(text: str) -> set[str]:
    """The names of values in both notations: {name} of code, %(name)s of templates."""
    named = set(re.findall(r"%\((\w+)\)s", text))
    return named | {name for _, name, _, _ in Formatter().parse(text) if name}


@pytest.fixture(scope="module", params=OTHERS)
def catalogue(request: pytest.FixtureRequest) -> Catalog:
    return updated(request.param)


def test_every_text_is_translated(catalogue: Catalog) -> None:
    assert REGISTRY.concepts
    assert untranslated(catalogue) == [], "add translations: `python -m oms translations` lists the texts in the file"


def test_a_translation_has_the_values_of_its_text(catalogue: Catalog) -> None:
    differing = [
        (said, translated)
        for message in catalogue
        if message.id
        for said, translated in zip(forms(message.id), forms(message.string), strict=True)
        if values_in(said) != values_in(translated)
    ]
    # A singular may spell its number out.
    assert [pair for pair in differing if values_in(pair[1]) - values_in(pair[0])] == []


def test_texts_that_nobody_says_any_more_are_gone(catalogue: Catalog) -> None:
    with (TRANSLATIONS / f"{catalogue.locale}.po").open("rb") as file:
        kept = {message.id for message in read_po(file) if message.id}
    assert kept - {message.id for message in template() if message.id} == set()


NAMES = frozenset({"OMS", "API", "CSV", "SKU", "GraphiQL", "· OMS"})
NOT_SHOWN = re.compile(
    r"<(script|code|kbd)\b.*?</\1>|{% trans .*?{% endtrans %}|{% block (live|kind) %}.*?{% endblock %}", re.DOTALL
)
LABELS = re.compile(r'\b(?:aria-label|title|placeholder|alt|data-announce)="([^"]*)"')


def bare_texts(template: Path) -> list[str]:
    """What a reader sees of the template without gettext: texts and labels that contain words."""
    source = NOT_SHOWN.sub("", template.read_text(encoding="utf-8"))
    tokens = Environment(autoescape=True, extensions=[i18n]).lex(source)
    html = "".join(text for _, kind, text in tokens if kind == "data")
    shown = [*LABELS.findall(html), *re.sub(r"<[^>]*>", "\n", html).splitlines()]
    words = [text.strip() for text in shown if re.search(r"[^\W\d]{2}", text)]
    return [text for text in words if text not in NAMES and "=" not in text and "://" not in text]


@pytest.mark.parametrize("name", sorted(str(path.relative_to(TEMPLATES)) for path in TEMPLATES.rglob("*.html")))
def test_templates_say_nothing_past_gettext(name: str) -> None:
    assert bare_texts(TEMPLATES / name) == []
