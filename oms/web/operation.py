"""A GraphQL request as it comes in over any of the doors: checked for its form, not yet for its meaning."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Final

import orjson
from graphql import (
    DocumentNode,
    FieldNode,
    FragmentDefinitionNode,
    FragmentSpreadNode,
    GraphQLSyntaxError,
    InlineFragmentNode,
    SelectionSetNode,
    get_operation_ast,
    parse,
)
from strawberry.types.graphql import OperationType

from oms.web.graphql_errors import invalid

LONGEST_REQUEST_BYTES: Final = 4 * 1024 * 1024
"""Room for an order of 2,000 lines and for 1,000 orders of 26 lines each, with addresses (some 3 MB)."""

_OPERATION_WORDS: Final = re.compile(r"\b(?:query|mutation|subscription)\b")

_CACHED_CHARACTERS: Final = 8_192
"""Longer documents are parsed anew each time, so that the cache stays small whatever is sent."""


@dataclass(frozen=True, slots=True)
class Operation:
    """What to execute. `name` chooses among the document's operations; None where it has one only."""

    document: str
    variables: dict[str, Any] | None = None
    name: str | None = None

    @classmethod
    def of(cls, request: Any) -> "Operation":
        """From the decoded JSON of a request. Raises RequestRefused(400) where the form is wrong."""
        if isinstance(request, list):
            raise invalid("Several requests in one are not supported: send each on its own.")
        if not isinstance(request, dict):
            raise invalid("The request must be a JSON object.")
        document, variables = request.get("query"), request.get("variables")
        name, extensions = request.get("operationName"), request.get("extensions")
        if not isinstance(document, str) or not document.strip():
            raise invalid("query must be a GraphQL document.")
        if not isinstance(variables, dict | None):
            raise invalid("variables must be a JSON object.")
        if not isinstance(name, str | None):
            raise invalid("operationName must be a string.")
        if not isinstance(extensions, dict | None):
            raise invalid("extensions must be a JSON object.")
        return cls(document, variables, name or None)

    @classmethod
    def of_parameters(cls, parameters: Mapping[str, str]) -> "Operation":
        """From the query string of a GET, where variables and extensions are JSON."""
        request: dict[str, Any] = dict(parameters)
        for name in ("variables", "extensions"):
            if text := parameters.get(name):
                request[name] = decoded(text, what=name)
            else:
                request.pop(name, None)
        return cls.of(request)

    def canonical(self) -> bytes:
        """The same bytes for the same request, however its JSON was written."""
        request = {"query": self.document, "variables": self.variables or {}, "operationName": self.name}
        return orjson.dumps(request, option=orjson.OPT_SORT_KEYS)

    def require_choice(self) -> None:
        """Raises RequestRefused(400) where the document has several operations and none was chosen.

        Strawberry would execute the first. A document with one operation is not parsed here.
        """
        if self.name is None and len(_OPERATION_WORDS.findall(self.document)) > 1:
            self.kind()

    def kind(self) -> OperationType | None:
        """What it is; None where it can't be parsed, of which executing it says more.

        Raises RequestRefused(400) where no operation, or none of several, is chosen.
        """
        try:
            chosen = get_operation_ast(self._parse(), self.name)
        except (GraphQLSyntaxError, RecursionError):
            return None
        if chosen is None:
            raise invalid("Choose an operation of the document: operationName must be the name of one.")
        return OperationType(chosen.operation.value)

    def mutates_once(self) -> bool:
        """Whether it is a mutation with exactly one root field."""
        if self.kind() is not OperationType.MUTATION:
            return False
        document = self._parse()
        chosen = get_operation_ast(document, self.name)
        return chosen is not None and len(list(_root_fields(document, chosen.selection_set, frozenset()))) == 1

    def _parse(self) -> DocumentNode:
        short = len(self.document) <= _CACHED_CHARACTERS
        return _parsed(self.document) if short else parse(self.document, no_location=True)


def decoded(text: str | bytes, *, what: str) -> Any:
    try:
        return orjson.loads(text)
    except orjson.JSONDecodeError as problem:
        raise invalid(f"{what} is not valid JSON: {problem}.") from problem


@lru_cache(maxsize=128)
def _parsed(document: str) -> DocumentNode:
    return parse(document, no_location=True)


def _root_fields(document: DocumentNode, chosen: SelectionSetNode, within: frozenset[str]) -> Iterator[FieldNode]:
    """The fields of the operation itself, fragments resolved; `within` names those being resolved."""
    for selection in chosen.selections:
        match selection:
            case FieldNode():
                yield selection
            case InlineFragmentNode():
                yield from _root_fields(document, selection.selection_set, within)
            case FragmentSpreadNode() if selection.name.value not in within:
                name = selection.name.value
                for definition in document.definitions:
                    if isinstance(definition, FragmentDefinitionNode) and definition.name.value == name:
                        yield from _root_fields(document, definition.selection_set, within | {name})
