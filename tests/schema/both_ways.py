"""Queries executed by a plan and by Strawberry: the results must be the same."""

import re
from typing import Any

import strawberry
from strawberry.types import ExecutionResult

from oms.platform.documents import parsed
from oms.schema.runtime.context import Context
from oms.schema.schema import schema


async def assert_same_by_strawberry(
    result: ExecutionResult, document: str, variables: dict[str, Any], context: Context
) -> None:
    """Executes only queries a second time."""
    if result.errors and result.data is None and not result.errors[0].path:
        return  # refused before execution, by the same code in both ways
    if parsed(document).operations[0].operation.value != "query":
        return
    other = await strawberry.Schema.execute(schema, document, variables, context)
    assert _comparable(result) == _comparable(other)


def _comparable(result: ExecutionResult) -> Any:
    """Without what differs each time: numbers of faults, and figures that depend on time."""
    errors = [_NUMBER.sub("", str(error.formatted)) for error in result.errors or ()]
    return _without_figures(result.data), sorted(errors), result.extensions


_NUMBER = re.compile(r"[0-9a-f]{16}")


def _without_figures(value: Any) -> Any:
    if isinstance(value, dict):
        return [(key, _without_figures(each)) for key, each in value.items()]
    if isinstance(value, list):
        return [_without_figures(each) for each in value]
    return float if isinstance(value, float) else value
