"""GraphQL documents as they come in: parsed once, refused where their mere shape is too much, kept for the next time.

All of it is linear in the document's length and knows nothing of the schema. What comes after it, validation above all,
is not linear: each bound below keeps one of its steps short. docs/doors.md tells them to clients.
"""

from collections import Counter, OrderedDict
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final

from graphql import (
    DocumentNode,
    FieldNode,
    FragmentDefinitionNode,
    FragmentSpreadNode,
    GraphQLError,
    OperationDefinitionNode,
    OperationType,
    SelectionSetNode,
    parse,
)

MOST_CHARACTERS: Final = 65_536
MOST_TOKENS: Final = 2_000
MOST_COMMENTS: Final = 200
MOST_DEPTH: Final = 16
"""Fields within fields. The introspection of GraphiQL needs 15, the deepest page 7."""
MOST_ALIASES: Final = 100
MOST_DIRECTIVES: Final = 50
MOST_DEFINITIONS: Final = 50
"""Operations and fragments together."""
MOST_SPREADS: Final = 100
MOST_REPETITIONS: Final = 10
"""Fields of one name side by side: validation compares each with each."""
MOST_MUTATIONS: Final = 50
"""Root fields of one mutation: each is a transaction of its own, one after the other."""

_INTROSPECTION: Final = frozenset({"__schema", "__type"})


class DocumentRefused(GraphQLError):
    """A document that is too much to be looked at more closely; the message names the bound."""

    def __init__(self, message: str) -> None:
        super().__init__(message, extensions={"code": "INVALID"})


@dataclass(frozen=True, slots=True, eq=False, weakref_slot=True)
class Document:
    """A document within the bounds. `introspects`: it asks for the schema itself."""

    syntax: DocumentNode
    operations: tuple[OperationDefinitionNode, ...]
    fragments: dict[str, FragmentDefinitionNode]
    introspects: bool

    def chosen(self, name: str | None) -> OperationDefinitionNode | None:
        """The operation of that name, or without a name the only one; None where there is no such one."""
        if name is None:
            return self.operations[0] if len(self.operations) == 1 else None
        named = (operation for operation in self.operations if operation.name and operation.name.value == name)
        return next(named, None)

    def root_keys(self, operation: OperationDefinitionNode) -> set[str]:
        """Under which keys the operation answers: its root fields, fragments resolved."""
        keys: set[str] = set()
        resolved: set[str] = set()
        pending = [operation.selection_set]
        while pending:
            for selection in pending.pop().selections:
                if isinstance(selection, FieldNode):
                    keys.add(_key(selection))
                elif isinstance(selection, FragmentSpreadNode):
                    name = selection.name.value
                    if name in self.fragments and name not in resolved:
                        resolved.add(name)
                        pending.append(self.fragments[name].selection_set)
                else:
                    pending.append(selection.selection_set)  # type: ignore[attr-defined]
        return keys


class KnownDocuments:
    """The documents that came last, most of which come again. `most_tokens` bounds the memory: some 400 bytes each."""

    def __init__(self, most_tokens: int) -> None:
        self._most_tokens = most_tokens
        self._tokens = 0
        self._documents: OrderedDict[str, Document] = OrderedDict()

    def parsed(self, text: str) -> Document:
        """Raises GraphQLError with a code where it can't be parsed, DocumentRefused where it is too much."""
        known = self._documents.get(text)
        if known is not None:
            self._documents.move_to_end(text)
            return known
        document = _within_bounds(_syntax(text))
        self._documents[text] = document
        self._tokens += document.syntax.token_count or 0
        while self._tokens > self._most_tokens:
            _, forgotten = self._documents.popitem(last=False)
            self._tokens -= forgotten.syntax.token_count or 0
        return document


_KNOWN: Final = KnownDocuments(most_tokens=50_000)


def parsed(text: str) -> Document:
    """The document, from memory if it came before. Raises as KnownDocuments.parsed does."""
    return _KNOWN.parsed(text)


def _syntax(text: str) -> DocumentNode:
    if len(text) > MOST_CHARACTERS:
        raise DocumentRefused(
            f"The document has {len(text)} characters; at most {MOST_CHARACTERS} are allowed."
            " Values belong in variables, which may be long."
        )
    try:
        return parse(text, max_lexical_tokens=MOST_TOKENS, max_comments=MOST_COMMENTS)
    except GraphQLError as problem:
        problem.extensions = {"code": "INVALID"}
        raise
    except RecursionError as problem:
        raise DocumentRefused("The document is nested too deeply.") from problem


@dataclass(slots=True)
class _Shape:
    """What is counted over a whole document."""

    aliases: int = 0
    directives: int = 0
    spreads: int = 0
    introspects: bool = False


def _within_bounds(syntax: DocumentNode) -> Document:
    definitions = syntax.definitions
    _refuse_above(len(definitions), MOST_DEFINITIONS, "operations and fragments")
    fragments = {d.name.value: d for d in definitions if isinstance(d, FragmentDefinitionNode)}
    operations = tuple(d for d in definitions if isinstance(d, OperationDefinitionNode))
    shape = _Shape()
    spreads = {id(d): list(_walked(d, shape)) for d in (*fragments.values(), *operations)}
    _refuse_above(shape.aliases, MOST_ALIASES, "aliases")
    _refuse_above(shape.directives, MOST_DIRECTIVES, "directives")
    _refuse_above(shape.spreads, MOST_SPREADS, "fragment spreads")
    reached = {name: spreads[id(fragment)] for name, fragment in fragments.items()}
    for operation in operations:
        _refuse_above(_depth(spreads[id(operation)], reached, {}), MOST_DEPTH, "fields within fields")
    document = Document(syntax, operations, fragments, shape.introspects)
    for operation in operations:
        if operation.operation is OperationType.MUTATION:
            _refuse_above(len(document.root_keys(operation)), MOST_MUTATIONS, "fields of a mutation")
    return document


def _refuse_above(count: int, most: int, what: str) -> None:
    if count > most:
        raise DocumentRefused(f"The document has {count} {what}; at most {most} are allowed.")


def _walked(definition: Any, shape: _Shape) -> Iterator[tuple[str | None, int]]:
    """Counts what a definition has. Yields what its depth is made of: fragments spread and, as None, its own leaves."""
    shape.directives += len(definition.directives or ()) + sum(
        len(variable.directives or ()) for variable in definition.variable_definitions or ()
    )
    pending: list[tuple[SelectionSetNode, int]] = [(definition.selection_set, 1)]
    while pending:
        selected, depth = pending.pop()
        yield None, depth
        keys: Counter[str] = Counter()
        for selection in selected.selections:
            shape.directives += len(selection.directives or ())
            if isinstance(selection, FragmentSpreadNode):
                shape.spreads += 1
                yield selection.name.value, depth
                continue
            within: SelectionSetNode | None = selection.selection_set  # type: ignore[attr-defined]
            if isinstance(selection, FieldNode):
                shape.aliases += selection.alias is not None
                shape.introspects |= selection.name.value in _INTROSPECTION
                keys[_key(selection)] += 1
                if within:
                    pending.append((within, depth + 1))
            elif within:
                pending.append((within, depth))
        if keys:
            key, times = keys.most_common(1)[0]
            _refuse_above(times, MOST_REPETITIONS, f"fields {key[:40]!r} side by side")


def _depth(parts: list[tuple[str | None, int]], reached: dict[str, Any], known: dict[str, int]) -> int:
    """How deep the parts go, fragments resolved, each once; one within itself is invalid anyway."""
    deepest = 0
    for name, depth in parts:
        if name is not None and name not in known and name in reached:
            known[name] = 0
            known[name] = _depth(reached[name], reached, known)
        deepest = max(deepest, depth + max(known.get(name or "", 0) - 1, 0))
    return deepest


def _key(selected: FieldNode) -> str:
    return (selected.alias or selected.name).value
