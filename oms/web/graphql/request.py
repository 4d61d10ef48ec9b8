"""A GraphQL request as it comes in over any of the doors: checked for its form, not yet for its meaning."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

import graphql
import orjson
from graphql import GraphQLError, OperationDefinitionNode
from strawberry.types.graphql import OperationType

from oms.platform.documents import Document, parsed
from oms.web.graphql.errors import CannotExecute, invalid

LONGEST_REQUEST_BYTES: Final = 4 * 1024 * 1024
"""Room for an order of 2,000 lines and for 1,000 orders of 26 lines each, with addresses (some 3 MB)."""

MAX_VALUES: Final = 150_000
"""Of one request: making them takes longer than reading their text. A thousand orders of 26 lines hold 115,000."""


@dataclass(slots=True)
class Operation:
    """What to execute. `name` chooses among the document's operations; None where it has one only."""

    document: str
    variables: dict[str, Any] | None = None
    name: str | None = None
    _known: tuple[Document, OperationDefinitionNode] | None = field(default=None, init=False, repr=False)
    """What the document was found to be; asked for once."""

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
        """The same bytes for the same request, however its JSON was written. Raises RequestRefused(400)."""
        request = {"query": self.document, "variables": self.variables or {}, "operationName": self.name}
        try:
            return orjson.dumps(request, option=orjson.OPT_SORT_KEYS)
        except orjson.JSONEncodeError as problem:  # it reads values four times as deep as it writes
            raise invalid("The variables are nested too deeply to be recognised by an Idempotency-Key.") from problem

    def kind(self) -> OperationType:
        """What it is. Raises CannotExecute where the document can't be parsed or no operation of it is chosen."""
        return _KINDS[self._chosen()[1].operation]

    def mutates_once(self) -> bool:
        """Whether it is a mutation with exactly one root field. Raises as kind() does."""
        document, chosen = self._chosen()
        return document.mutates_once(chosen)

    def _chosen(self) -> tuple[Document, OperationDefinitionNode]:
        if self._known is None:
            self._known = self._found()
        return self._known

    def _found(self) -> tuple[Document, OperationDefinitionNode]:
        try:
            document = parsed(self.document)
        except GraphQLError as problem:
            raise CannotExecute([problem]) from problem
        chosen = document.chosen(self.name)
        if chosen is None:
            message = "Choose an operation of the document: operationName must be the name of one."
            raise CannotExecute([GraphQLError(message)])
        return document, chosen


_KINDS: Final = {kind: OperationType(kind.value) for kind in graphql.OperationType}


def decoded(text: str | bytes, *, what: str) -> Any:
    """The JSON of a text. Raises RequestRefused(400) where it is none, (413) where it holds too many values."""
    if too_many_values(text):
        raise invalid(f"{what} holds more than {MAX_VALUES} values: send less at once.", status=413)
    try:
        return orjson.loads(text)
    except orjson.JSONDecodeError as problem:
        raise invalid(f"{what} is not valid JSON: {problem}.") from problem


def too_many_values(text: str | bytes) -> bool:
    """Judged by the commas, which stand between values; those within texts count, too."""
    commas = text.count(",") if isinstance(text, str) else text.count(b",")
    return commas > MAX_VALUES
