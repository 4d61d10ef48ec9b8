"""GraphQL documents: parsed, refused if they are too large or too complex, and cached.

All of this is linear in the document's length and independent of the schema. Later steps, above all validation, are not
linear: each limit below keeps one of them short. docs/guides/transport.md lists the limits for clients.
"""

import sys
from collections import defaultdict
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Final

from cachetools import LRUCache
from graphql import (
    DocumentNode,
    FieldNode,
    FragmentDefinitionNode,
    FragmentSpreadNode,
    GraphQLError,
    InlineFragmentNode,
    OperationDefinitionNode,
    OperationType,
    SelectionNode,
    SelectionSetNode,
    parse,
)

MAX_CHARACTERS: Final = 65_536
MAX_TOKENS: Final = 1_500
MAX_COMMENTS: Final = 200
MAX_DEPTH: Final = 16
"""Nested fields. GraphiQL's introspection needs 15, the deepest page 7."""
MAX_ALIASES: Final = 100
MAX_DIRECTIVES: Final = 50
MAX_DEFINITIONS: Final = 50
"""Operations and fragments together."""
MAX_SPREADS: Final = 100
MAX_FIELDS: Final = 5_000
"""Fields of all operations and fragments, with their fragment spreads expanded."""
MAX_REPETITIONS: Final = 12
"""Fields with the same key side by side, also from fragments: validation compares every pair."""
MAX_MUTATIONS: Final = 50
"""Root fields of one mutation: each is a transaction, and they are executed one after the other."""

_INTROSPECTION: Final = frozenset({"__schema", "__type"})


class DocumentRefused(GraphQLError):
    """A document that exceeds a limit; the message names the limit."""

    def __init__(self, message: str) -> None:
        super().__init__(message, extensions={"code": "INVALID"})


@dataclass(frozen=True, slots=True, eq=False, weakref_slot=True)
class Document:
    """A document within the limits. `introspects`: it queries the schema itself. `directives`: their number.

    `mutating`: the number of response keys of each mutation, by the operation's name.
    """

    syntax: DocumentNode
    operations: tuple[OperationDefinitionNode, ...]
    fragments: dict[str, FragmentDefinitionNode]
    introspects: bool
    directives: int
    mutating: dict[str | None, int] = field(default_factory=dict)

    def chosen(self, name: str | None) -> OperationDefinitionNode | None:
        """The operation with that name, or the only one if no name is given; None if there is no such operation."""
        if name is None:
            return self.operations[0] if len(self.operations) == 1 else None
        named = (operation for operation in self.operations if operation.name and operation.name.value == name)
        return next(named, None)

    def mutates_once(self, operation: OperationDefinitionNode) -> bool:
        """Whether it is a mutation with one root field."""
        return self.mutating.get(operation.name.value if operation.name else None) == 1


class DocumentCache:
    """A cache of the documents used last, limited by their memory."""

    def __init__(self, max_bytes: int) -> None:
        self._documents: LRUCache[str, Document] = LRUCache(max_bytes, getsizeof=_size_bytes)

    def parsed(self, text: str) -> Document:
        """Raises GraphQLError with a code if it cannot be parsed, DocumentRefused if it exceeds a limit."""
        document = self._documents.get(text)
        if document is None:
            document = _checked(_syntax(text))
            with suppress(ValueError):  # larger than the whole cache
                self._documents[text] = document
        return document


def _size_bytes(document: Document) -> int:
    """An estimate, including what others cache for the document: a measured value per token, plus its text twice, for
    long names and comments.
    """
    tokens, location = document.syntax.token_count or 0, document.syntax.loc
    return _BYTES_PER_TOKEN * tokens + (2 * sys.getsizeof(location.source.body) if location else 0)


_BYTES_PER_TOKEN: Final = 1_000
"""400 for the tokens and the syntax tree, up to 600 for the plan of oms.schema.compiled."""
_CACHE: Final = DocumentCache(max_bytes=24_000_000)


def parsed(text: str) -> Document:
    """The document, from the cache if possible. Raises as DocumentCache.parsed does."""
    return _CACHE.parsed(text)


def _syntax(text: str) -> DocumentNode:
    if len(text) > MAX_CHARACTERS:
        raise DocumentRefused(
            f"The document has {len(text)} characters; at most {MAX_CHARACTERS} are allowed."
            " Values belong in variables, which may be long."
        )
    try:
        return parse(text, max_lexical_tokens=MAX_TOKENS, max_comments=MAX_COMMENTS)
    except GraphQLError as problem:
        problem.extensions = {"code": "INVALID"}
        raise
    except RecursionError as problem:
        raise DocumentRefused("The document is nested too deeply.") from problem


def _checked(syntax: DocumentNode) -> Document:
    definitions = syntax.definitions
    _refuse_above(len(definitions), MAX_DEFINITIONS, "operations and fragments")
    fragments = {d.name.value: d for d in definitions if isinstance(d, FragmentDefinitionNode)}
    operations = tuple(d for d in definitions if isinstance(d, OperationDefinitionNode))
    introspects, directives = _counted(operations + tuple(fragments.values()))
    document = Document(syntax, operations, fragments, introspects, directives)
    _require_few_fields(document)
    for operation in operations:
        if operation.operation is OperationType.MUTATION:
            count = len(_by_key([operation.selection_set], fragments))
            _refuse_above(count, MAX_MUTATIONS, "fields of a mutation")
            document.mutating[operation.name.value if operation.name else None] = count
    return document


def _refuse_above(count: int, limit: int, what: str) -> None:
    if count > limit:
        raise DocumentRefused(f"The document has {count} {what}; at most {limit} are allowed.")


def _counted(definitions: tuple[OperationDefinitionNode | FragmentDefinitionNode, ...]) -> tuple[bool, int]:
    """Checks the limits of the document as written. Returns whether it introspects, and its directives."""
    aliases = spreads = 0
    introspects = False
    directives = sum(len(definition.directives or ()) for definition in definitions)
    pending = [definition.selection_set for definition in definitions]
    while pending:
        for selection in pending.pop().selections:
            directives += len(selection.directives or ())
            if isinstance(selection, FragmentSpreadNode):
                spreads += 1
                continue
            if isinstance(selection, FieldNode):
                aliases += selection.alias is not None
                introspects |= selection.name.value in _INTROSPECTION
            if within := _within(selection):
                pending.append(within)
    _refuse_above(aliases, MAX_ALIASES, "aliases")
    _refuse_above(directives, MAX_DIRECTIVES, "directives")
    _refuse_above(spreads, MAX_SPREADS, "fragment spreads")
    return introspects, directives


def _require_few_fields(document: Document) -> None:
    """Checks the limits of each definition with its fragments expanded and the fields of one key merged.

    Validation and execution work on this form: validation compares the fields of one key pair by pair.
    """
    definitions = (*document.operations, *document.fragments.values())
    pending = [([definition.selection_set], 1) for definition in definitions]
    fields = 0
    while pending:
        merged, depth = pending.pop()
        _refuse_above(depth, MAX_DEPTH, "levels of nested fields")
        by_key = _by_key(merged, document.fragments)
        fields += sum(len(same) for same in by_key.values())
        if fields > MAX_FIELDS:
            raise DocumentRefused(f"With its fragments expanded, the document has more than {MAX_FIELDS} fields.")
        for key, same in by_key.items():
            _refuse_above(len(same), MAX_REPETITIONS, f"fields {key[:40]!r} side by side")
            if within := [one.selection_set for one in same if one.selection_set]:
                pending.append((within, depth + 1))


def _by_key(merged: list[SelectionSetNode], fragments: dict[str, FragmentDefinitionNode]) -> dict[str, list[FieldNode]]:
    """The fields of merged selections by their response keys; each fragment is included once."""
    found: dict[str, list[FieldNode]] = defaultdict(list)
    spread: set[str] = set()
    pending = list(merged)
    while pending:
        for selection in pending.pop().selections:
            if isinstance(selection, FieldNode):
                found[(selection.alias or selection.name).value].append(selection)
            elif not isinstance(selection, FragmentSpreadNode):
                pending += filter(None, [_within(selection)])
            elif (name := selection.name.value) in fragments and name not in spread:
                spread.add(name)
                pending.append(fragments[name].selection_set)
    return found


def _within(selection: SelectionNode) -> SelectionSetNode | None:
    return selection.selection_set if isinstance(selection, FieldNode | InlineFragmentNode) else None
