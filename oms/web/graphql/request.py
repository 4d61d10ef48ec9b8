"""A GraphQL request from any transport: its form is checked here, its meaning against the schema later."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

import graphql
import orjson
from graphql import GraphQLError, OperationDefinitionNode
from strawberry.types.graphql import OperationType

from oms.platform.documents import Document, parsed
from oms.web.errors.refusals import CannotExecute, invalid

MAX_REQUEST_BYTES: Final = 4 * 1024 * 1024
"""Enough for an order of 2,000 lines and for 1,000 orders of 26 lines each with addresses (some 3 MB)."""

MAX_VALUES: Final = 150_000
"""JSON values of one request; decoding costs more per value than per byte. 1,000 orders of 26 lines hold 115,000."""


@dataclass(slots=True)
class GraphQLRequest:
    """What to execute. `name` chooses among the document's operations; None if it has only one."""

    document: str
    variables: dict[str, Any] | None = None
    name: str | None = None
    _parsed: tuple[Document, OperationDefinitionNode] | None = field(default=None, init=False, repr=False)
    """The document and its chosen operation, parsed once."""

    @classmethod
    def of(cls, request: Any) -> "GraphQLRequest":
        """From a request's decoded JSON. Raises RequestRefused(400) if its form is wrong."""
        if isinstance(request, list):
            raise invalid("Batches of requests are not supported: send each on its own.")
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
    def of_parameters(cls, parameters: Mapping[str, str]) -> "GraphQLRequest":
        """From the query string of a GET, in which variables and extensions are JSON."""
        request: dict[str, Any] = dict(parameters)
        for name in ("variables", "extensions"):
            if text := parameters.get(name):
                request[name] = decode_json(text, what=name)
            else:
                request.pop(name, None)
        return cls.of(request)

    def canonical(self) -> bytes:
        """The same bytes for the same request, however its JSON was written. Raises RequestRefused(400)."""
        request = {"query": self.document, "variables": self.variables or {}, "operationName": self.name}
        try:
            return orjson.dumps(request, option=orjson.OPT_SORT_KEYS)
        except orjson.JSONEncodeError as problem:  # orjson decodes four times the depth that it encodes
            raise invalid("The variables are nested too deeply for a request with an Idempotency-Key.") from problem

    def kind(self) -> OperationType:
        """Raises CannotExecute if the document can't be parsed, or none of its operations is chosen."""
        return _KINDS[self._operation()[1].operation]

    def mutates_once(self) -> bool:
        """Whether it is a mutation with exactly one root field. Raises as kind() does."""
        document, operation = self._operation()
        return document.mutates_once(operation)

    def _operation(self) -> tuple[Document, OperationDefinitionNode]:
        if self._parsed is None:
            self._parsed = self._parse()
        return self._parsed

    def _parse(self) -> tuple[Document, OperationDefinitionNode]:
        try:
            document = parsed(self.document)
        except GraphQLError as problem:
            raise CannotExecute([problem]) from problem
        chosen = document.chosen(self.name)
        if chosen is None:
            message = "Choose one of the document's operations: operationName must be its name."
            raise CannotExecute([GraphQLError(message)])
        return document, chosen


_KINDS: Final = {kind: OperationType(kind.value) for kind in graphql.OperationType}


def decode_json(text: str | bytes, *, what: str) -> Any:
    """Raises RequestRefused: 400 if the text is not JSON, 413 if it holds too many values."""
    if has_too_many_values(text):
        raise invalid(f"{what} holds more than {MAX_VALUES} values: send less at once.", status=413)
    try:
        return orjson.loads(text)
    except orjson.JSONDecodeError as problem:
        raise invalid(f"{what} is not valid JSON: {problem}.") from problem


def has_too_many_values(text: str | bytes) -> bool:
    """By its commas, which separate values; those inside of strings count as well."""
    commas = text.count(",") if isinstance(text, str) else text.count(b",")
    return commas > MAX_VALUES
