"""Checks before an operation is executed: its document, and the limits of the caller's role."""

from collections.abc import AsyncIterator, Iterator
from typing import Any, Protocol, cast

from graphql import Executor, GraphQLError
from strawberry.extensions import SchemaExtension
from strawberry.schema.schema import StrawberryGraphQLCoreExecutionContext

from oms.domain.access.permissions import SchemaPermission, may
from oms.platform.documents import Document, parsed
from oms.schema.cost import limits
from oms.schema.cost.limits import MAX_COST, MAX_VARIABLE_VALUES, Validator, count_values
from oms.schema.runtime.context import Context


class Validating(Protocol):
    """A schema with a validator."""

    validator: Validator


class QueryGuard(SchemaExtension):
    """Replaces Strawberry's parsing and validation, and refuses what costs too much.

    The result has the cost in `extensions.cost`, beside the maximum for one operation.
    """

    def __init__(self) -> None:
        self._document: Document | None = None
        self._cost: int | None = None

    def on_parse(self) -> Iterator[None]:
        self._document = parsed(self.execution_context.query or "")
        self.execution_context.graphql_document = self._document.syntax
        yield

    async def on_validate(self) -> AsyncIterator[None]:
        """An empty list of errors tells Strawberry that the document is validated."""
        errors = list(self._errors())
        if self._cost is not None and not errors:
            try:
                await self._context.before_execution(self._context.viewer, self._cost)
            except GraphQLError as refusal:
                errors.append(refusal)
        self.execution_context.pre_execution_errors = errors
        yield

    def get_results(self) -> dict[str, Any]:
        return {} if self._cost is None else cost_extension(self._context, self._cost)

    @property
    def _context(self) -> Context:
        return cast("Context", self.execution_context.context)

    @property
    def _validator(self) -> Validator:
        return cast("Validating", self.execution_context.schema).validator

    def _errors(self) -> Iterator[GraphQLError]:
        document, context = self._document, self._context
        if document is None:
            raise RuntimeError("validation before parsing")
        reads_schema = may_read_schema(context)
        if document.introspects and not reads_schema:
            yield _refused("Only managers and support may read the schema by introspection.", code="FORBIDDEN")
            return
        if errors := self._validator.errors(document, suggest=reads_schema):
            yield from errors
            return
        variables = self.execution_context.variables
        maximum = MAX_VARIABLE_VALUES[context.viewer.role]
        if count_values(variables, maximum) > maximum:
            yield _refused(f"The variables contain more than {maximum} values: send less at once.")
            return
        operation = document.chosen(self.execution_context.operation_name)
        if operation is None:
            return  # execution reports it
        self._cost = self._validator.price(document, operation).of(variables)
        maximum = MAX_COST[context.viewer.role]
        if self._cost > maximum:
            yield _refused(
                f"This costs {self._cost}; {maximum} is the most for one operation. Request shorter pages (first),"
                " fewer fields, or send several requests."
            )


def cost_extension(context: Context, cost: int) -> dict[str, Any]:
    """The extensions of a result."""
    return {"cost": {"requested": cost, "maximum": MAX_COST[context.viewer.role]}}


def may_read_schema(context: Context) -> bool:
    """Whether the caller may introspect the schema, and so may see suggestions of names."""
    return context.demo or may(context.viewer, SchemaPermission.READ_SCHEMA)


def _refused(message: str, *, code: str = "INVALID") -> GraphQLError:
    return GraphQLError(message, extensions={"code": code})


class BoundedExecution(StrawberryGraphQLCoreExecutionContext):
    """Stops at MAX_RESULT_VALUES, and suggests names only to callers who may read the schema."""

    _values = 0

    @classmethod
    def build(cls, *arguments: Any, **options: Any) -> list[GraphQLError] | Executor[Any]:
        """As called by graphql-core: the context follows the schema, the document and the root value."""
        context: Context = arguments[3]
        return super().build(*arguments, **options | {"hide_suggestions": not may_read_schema(context)})

    def execute_fields(self, parent_type: Any, source: Any, path: Any, fields: Any, position: Any) -> Any:
        """As called by graphql-core for each object; each event of a subscription is an execution of its own."""
        self._values += len(fields)
        if self._values > limits.MAX_RESULT_VALUES:
            raise limits.too_many_values()
        return super().execute_fields(parent_type, source, path, fields, position)
