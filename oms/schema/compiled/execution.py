"""Carrying out a plan."""

from collections.abc import Mapping
from types import CoroutineType
from typing import Any, Final

from graphql import GraphQLError, GraphQLSchema
from graphql.execution.values import get_variable_values

from oms.schema.compiled.plan import Plan
from oms.schema.compiled.run import Run
from oms.schema.runtime.context import Context

_MAX_ERRORS: Final = 50
"""About one operation's variables; graphql-core's own bound."""


async def executed(
    plan: Plan, schema: GraphQLSchema, context: Context, given: Mapping[str, Any], *, hides_suggestions: bool
) -> tuple[dict[str, Any] | None, list[GraphQLError]]:
    """The data and the errors of an answer, as they came about. `given`: the variables' JSON values."""
    try:
        variables = plan.variables.taken(given)
    except Exception:
        errors = _objections(plan, schema, given, hides_suggestions=hides_suggestions)
        if not errors:
            raise
        return None, errors
    run = Run(context, variables, hides_suggestions=hides_suggestions)
    data: Any = None
    try:
        data = plan.root.serially(run) if plan.is_mutation else plan.root.complete(None, None, run)
        if type(data) is CoroutineType:
            data = await data
    except GraphQLError as error:
        run.note(error, None)
        return None, run.errors
    return data, run.errors


def _objections(
    plan: Plan, schema: GraphQLSchema, given: Mapping[str, Any], *, hides_suggestions: bool
) -> list[GraphQLError]:
    """What graphql-core says about variables that could not be taken."""
    definitions = plan.definition.variable_definitions or ()
    values = get_variable_values(
        schema, definitions, dict(given), max_errors=_MAX_ERRORS, hide_suggestions=hides_suggestions
    )
    return values if isinstance(values, list) else []
