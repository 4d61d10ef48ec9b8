"""What each operation passes before it is executed: its document, once parsed, and the caller's limits."""

from collections.abc import AsyncIterator, Iterator
from typing import TYPE_CHECKING, Any, cast

from graphql import Executor, GraphQLError
from strawberry.extensions import SchemaExtension
from strawberry.schema.schema import StrawberryGraphQLCoreExecutionContext

from oms.domain.access.permissions import SchemaPermission, may
from oms.platform.documents import Document, parsed
from oms.schema.cost import cost
from oms.schema.cost.cost import MAX_VALUES, MAXIMUM, Limits, count_values
from oms.schema.runtime.context import Context

if TYPE_CHECKING:
    from oms.schema.schema import ApiSchema


class Admission(SchemaExtension):
    """Takes the place of Strawberry's parsing and validation, and refuses what costs too much.

    The result tells the cost in `extensions.cost` with what the caller may spend on one operation.
    """

    def __init__(self) -> None:
        self._document: Document | None = None
        self._cost: int | None = None

    def on_parse(self) -> Iterator[None]:
        self._document = parsed(self.execution_context.query or "")
        self.execution_context.graphql_document = self._document.syntax
        yield

    async def on_validate(self) -> AsyncIterator[None]:
        """An empty list of errors tells Strawberry that nothing is left to validate."""
        objections = list(self._objections())
        if self._cost is not None and not objections:
            try:
                await self._context.before_execution(self._context.viewer, self._cost)
            except GraphQLError as refusal:
                objections.append(refusal)
        self.execution_context.pre_execution_errors = objections
        yield

    def get_results(self) -> dict[str, Any]:
        return {} if self._cost is None else told_cost(self._context, self._cost)

    @property
    def _context(self) -> Context:
        return cast("Context", self.execution_context.context)

    @property
    def _limits(self) -> Limits:
        return cast("ApiSchema", self.execution_context.schema).limits

    def _objections(self) -> Iterator[GraphQLError]:
        document, context = self._document, self._context
        if document is None:
            raise RuntimeError("validated before it was parsed")
        reads_schema = reads_schema_itself(context)
        if document.introspects and not reads_schema:
            yield _refused("Asking for the schema itself is for managers and support.", code="FORBIDDEN")
            return
        if errors := self._limits.errors(document, suggest=reads_schema):
            yield from errors
            return
        variables = self.execution_context.variables
        limit = MAX_VALUES[context.viewer.role]
        if count_values(variables, limit) > limit:
            yield _refused(f"The variables hold more than {limit} values: send less at once.")
            return
        operation = document.chosen(self.execution_context.operation_name)
        if operation is None:
            return  # executing it says so
        self._cost = self._limits.price(document, operation).of(variables)
        maximum = MAXIMUM[context.viewer.role]
        if self._cost > maximum:
            yield _refused(
                f"This costs {self._cost}; {maximum} is the most for one operation. Ask for shorter pages"
                " (first), fewer fields, or several times."
            )


def told_cost(context: Context, cost: int) -> dict[str, Any]:
    """The extensions of an answer."""
    return {"cost": {"requested": cost, "maximum": MAXIMUM[context.viewer.role]}}


def reads_schema_itself(context: Context) -> bool:
    """Whether the caller may ask for the schema, and so be told which names it has."""
    return context.demo or may(context.viewer, SchemaPermission.READ_SCHEMA)


def _refused(message: str, *, code: str = "INVALID") -> GraphQLError:
    return GraphQLError(message, extensions={"code": code})


class BoundedExecution(StrawberryGraphQLCoreExecutionContext):
    """At most MAX_ANSWER_VALUES values; strangers learn that a variable is wrong, not which names would be right."""

    _told = 0

    @classmethod
    def build(cls, *arguments: Any, **options: Any) -> list[GraphQLError] | Executor[Any]:
        """As graphql-core calls it: after the schema, the document and the root value comes the context."""
        context: Context = arguments[3]
        return super().build(*arguments, **options | {"hide_suggestions": not reads_schema_itself(context)})

    def execute_fields(self, parent_type: Any, source: Any, path: Any, fields: Any, position: Any) -> Any:
        """As graphql-core calls it for each object; events of a subscription are executed one by one."""
        self._told += len(fields)
        if self._told > cost.MAX_ANSWER_VALUES:
            raise cost.too_much_told()
        return super().execute_fields(parent_type, source, path, fields, position)
