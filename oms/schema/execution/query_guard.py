"""Checks before an operation is executed: its document, and the limits of the caller's role."""

from collections.abc import AsyncIterator, Iterator
from typing import Any, Final, Protocol, cast

from graphql import Executor, GraphQLError
from strawberry.extensions import SchemaExtension
from strawberry.schema.schema import StrawberryGraphQLCoreExecutionContext

from oms.domain.access.permissions import SchemaPermission, may
from oms.platform.documents import Document, parsed
from oms.schema.compiled.run import VALUES_PER_TURN, next_turn
from oms.schema.cost import limits
from oms.schema.cost.limits import MAX_COST, MAX_VARIABLE_VALUES, Validator, count_values
from oms.schema.execution.visible import VisibleErrors
from oms.schema.runtime.context import Context


class Validating(Protocol):
    """A schema with a validator; `visible`: what to tell those who may not read the schema."""

    validator: Validator
    visible: VisibleErrors


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
    def _schema(self) -> Validating:
        return cast("Validating", self.execution_context.schema)

    def _errors(self) -> Iterator[GraphQLError]:
        document, context = self._document, self._context
        if document is None:
            raise RuntimeError("validation before parsing")
        reads_schema = may_read_schema(context)
        if document.introspects and not reads_schema:
            yield _refused("Only managers and support may read the schema by introspection.", code="FORBIDDEN")
            return
        if errors := self._schema.validator.errors(document, suggest=reads_schema):
            yield from (not reads_schema and self._schema.visible.of(document, context.viewer.role)) or errors
            return
        variables = self.execution_context.variables
        maximum = MAX_VARIABLE_VALUES[context.viewer.role]
        if count_values(variables, maximum) > maximum:
            yield _refused(f"The variables contain more than {maximum} values: send less at once.")
            return
        operation = document.chosen(self.execution_context.operation_name)
        if operation is None:
            return  # execution reports it
        self._cost = self._schema.validator.price(document, operation).of(variables)
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


_LONG_LIST: Final = 20
"""Values. Asynchronous lists cost more, so short ones stay as they are."""


class BoundedExecution(StrawberryGraphQLCoreExecutionContext):
    """Stops at MAX_RESULT_VALUES, pauses in long lists, and suggests names only to callers who may read the schema."""

    _values = 0
    _pause_at = VALUES_PER_TURN

    @classmethod
    def build(cls, *arguments: Any, **options: Any) -> list[GraphQLError] | Executor[Any]:
        """As called by graphql-core: the context follows the schema, the document and the root value."""
        context: Context = arguments[3]
        return super().build(*arguments, **options | {"hide_suggestions": not may_read_schema(context)})

    def execute_fields(self, parent_type: Any, source: Any, path: Any, fields: Any, position: Any) -> Any:
        """As called by graphql-core for each object; each event of a subscription is an execution of its own."""
        self._values += len(fields)
        maximum = limits.MAX_RESULT_VALUES[self.context_value.viewer.role]
        if self._values > maximum:
            raise limits.too_many_values(maximum)
        return super().execute_fields(parent_type, source, path, fields, position)

    def complete_list_value(
        self, return_type: Any, field_details: Any, info: Any, path: Any, result: Any, position: Any
    ) -> Any:
        """As called by graphql-core for each list. It completes the values of an asynchronous list one by one."""
        if isinstance(result, list) and len(result) > _LONG_LIST:
            result = self._with_pauses(result)
        return super().complete_list_value(return_type, field_details, info, path, result, position)

    async def _with_pauses(self, values: list[Any]) -> AsyncIterator[Any]:
        for value in values:
            if self._values >= self._pause_at:
                await next_turn()
                self._pause_at = self._values + VALUES_PER_TURN
            yield value
