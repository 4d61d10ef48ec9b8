"""Execution of a plan."""

from collections.abc import Mapping
from types import CoroutineType
from typing import Any, Final

from graphql import GraphQLError, GraphQLSchema
from graphql.execution.values import get_variable_values

from oms.schema.compiled.plan import Plan
from oms.schema.compiled.run import ResultLimit, Run

_MAX_ERRORS: Final = 50
"""About the variables of one operation; graphql-core's own limit."""


async def execute(
    plan: Plan,
    schema: GraphQLSchema,
    context: Any,
    given: Mapping[str, Any],
    limit: ResultLimit,
    *,
    hide_suggestions: bool,
) -> tuple[dict[str, Any] | None, list[GraphQLError]]:
    """The data and the errors of a result, in the order in which they occurred. `given`: the variables as JSON."""
    try:
        variables = plan.variables.coerced(given)
    except Exception:
        errors = _variable_errors(plan, schema, given, hide_suggestions=hide_suggestions)
        if not errors:
            raise
        return None, errors
    run = Run(context, variables, limit, hide_suggestions=hide_suggestions)
    data: Any = None
    try:
        data = plan.root.serially(run) if plan.is_mutation else plan.root.complete(None, None, run)
        if type(data) is CoroutineType:
            data = await data
    except GraphQLError as error:
        run.note(error, None)
        return None, run.errors
    return data, run.errors


def _variable_errors(
    plan: Plan, schema: GraphQLSchema, given: Mapping[str, Any], *, hide_suggestions: bool
) -> list[GraphQLError]:
    """What graphql-core says about variables that could not be coerced."""
    definitions = plan.definition.variable_definitions or ()
    values = get_variable_values(
        schema, definitions, dict(given), max_errors=_MAX_ERRORS, hide_suggestions=hide_suggestions
    )
    return values if isinstance(values, list) else []
