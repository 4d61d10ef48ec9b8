"""Documents are refused for their form alone, in linear time, and cached ones are not parsed again."""

import gc
import tracemalloc

import pytest
from graphql import GraphQLError, get_introspection_query

from oms.platform import documents
from oms.platform.documents import DocumentCache, DocumentRefused, parsed
from oms.platform.settings import PROJECT_DIR

NESTED = "{ a " * 16 + "{ a }" + " }" * 16
FRAGMENTS = " ".join(f"fragment F{n} on Query {{ ...F{n + 1} ...F{n + 1} }}" for n in range(40))

TOO_MUCH = {
    "characters": ("{ a # " + "x" * documents.MAX_CHARACTERS + "\n}", "characters"),
    "tokens": ("{" + " a" * documents.MAX_TOKENS + "}", "tokens"),
    "comments": ("{ a " + "#\n" * (documents.MAX_COMMENTS + 1) + "}", "comments"),
    "ten thousand aliases": ("{" + "".join(f" a{n}: b" for n in range(10_000)) + "}", "characters"),
    "aliases": ("{" + "".join(f" a{n}: b" for n in range(documents.MAX_ALIASES + 1)) + "}", "aliases"),
    "aliases in fragments": (
        "{ ...F } fragment F on Query {" + "".join(f" a{n}: b" for n in range(documents.MAX_ALIASES + 1)) + "}",
        "aliases",
    ),
    "directives": ("{ a " + "@skip(if: true) " * (documents.MAX_DIRECTIVES + 1) + "}", "directives"),
    "operations": (" ".join(f"query Q{n} {{ a }}" for n in range(documents.MAX_DEFINITIONS + 1)), "operations"),
    "spreads": ("{" + " ...F" * (documents.MAX_SPREADS + 1) + "} fragment F on Query { a }", "fragment spreads"),
    "depth": (NESTED, "levels of nested fields"),
    "depth through fragments": (
        """{ a { a { a { a { ...A } } } } } fragment A on Q { a { a { a { a { ...B } } } } }
        fragment B on Q { a { a { a { a { a { a { a { a { a } } } } } } } } }""",
        "levels of nested fields",
    ),
    "nesting that exhausts the stack": ("{ a " * 900, "nest"),
    "brackets that exhaust the stack": ("{ a(b: " + "[" * 900 + ")}", "nest"),
    "the same field again and again": ("{" + " a" * (documents.MAX_REPETITIONS + 1) + "}", "side by side"),
    "the same field by way of fragments": (
        "{" + " ... on Query { a }" * (documents.MAX_REPETITIONS + 1) + "}",
        "side by side",
    ),
    "the same field below the same fields": (
        "{" + " a { b b b b b b }" * 4 + "}",
        "'b' side by side",
    ),
    "fragments that come to much": (
        "{ ...F0 }"
        + "".join(f" fragment F{n} on Q {{ a {{ ...F{n + 1} }} b {{ ...F{n + 1} }} }}" for n in range(14))
        + " fragment F14 on Q { a b c d e f g h i j k }",
        "fragments expanded",
    ),
    "fragments in a circle": (
        "{ ...A } fragment A on Query { a { ...B } } fragment B on Query { b { ...A } }",
        "levels of nested fields",
    ),
    "mutations": (
        "mutation {" + "".join(f" a{n}: b" for n in range(documents.MAX_MUTATIONS + 1)) + "}",
        "fields of a mutation",
    ),
}


@pytest.mark.parametrize(("text", "named"), TOO_MUCH.values(), ids=TOO_MUCH.keys())
def test_a_document_above_a_limit_is_refused_and_the_limit_named(text: str, named: str) -> None:
    with pytest.raises(GraphQLError) as refusal:
        parsed(text)
    assert refusal.value.extensions == {"code": "INVALID"}
    assert named in refusal.value.message


def test_a_syntax_error_is_invalid_and_has_its_place() -> None:
    with pytest.raises(GraphQLError) as refusal:
        parsed("{ a ")
    assert refusal.value.extensions == {"code": "INVALID"}
    assert refusal.value.locations


def test_a_refusal_does_not_repeat_the_document() -> None:
    with pytest.raises(DocumentRefused) as refusal:
        parsed("{" + f" {'x' * 5000}" * 21 + "}")
    assert len(refusal.value.message) < 200


def test_graphiql_s_introspection_and_every_page_s_document_fit() -> None:
    assert parsed(get_introspection_query()).introspects
    pages = sorted((PROJECT_DIR / "templates").rglob("*.graphql"))
    assert pages
    for page in pages:
        assert not parsed(page.read_text()).introspects


def test_fragments_that_double_at_each_step_are_visited_once() -> None:
    document = parsed(f"mutation {{ ...F0 }} {FRAGMENTS} fragment F40 on Query {{ a b }}")
    assert document.mutating == {None: 2}


@pytest.mark.parametrize(
    ("text", "name", "chosen"),
    [
        ("{ a }", None, True),
        ("query A { a }", None, True),
        ("query A { a } query B { a }", None, False),
        ("query A { a } query B { a }", "B", True),
        ("query A { a }", "C", False),
        ("fragment F on Query { a }", None, False),
    ],
)
def test_an_operation_is_chosen_by_its_name_or_as_the_only_one(text: str, name: str | None, chosen: bool) -> None:
    assert (parsed(text).chosen(name) is not None) is chosen


def test_a_cached_document_is_the_same_object_and_the_least_recently_used_are_evicted_first() -> None:
    known = DocumentCache(max_bytes=11_000)
    first, second = known.parsed("{ a }"), known.parsed("{ b }")
    assert known.parsed("{ a }") is first
    known.parsed("{ c d e }")
    assert known.parsed("{ a }") is first
    assert known.parsed("{ b }") is not second


def test_the_memory_of_the_cache_is_bounded_also_for_few_long_tokens() -> None:
    known = DocumentCache(max_bytes=1_000_000)
    tracemalloc.start()
    try:
        before, _ = tracemalloc.get_traced_memory()
        for number in range(50):
            known.parsed(f"{{ a{number} }} # " + "\N{PACKAGE}" * 60_000)
        gc.collect()  # tokens know each other
        held, _ = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert held - before < 1_500_000
