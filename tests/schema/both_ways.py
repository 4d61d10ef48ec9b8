"""Queries answered by a plan and by Strawberry: what is told has to be the same."""

import re
from typing import Any

import strawberry
from strawberry.types import ExecutionResult

from oms.platform.documents import parsed
from oms.schema.runtime.context import Context
from oms.schema.schema import schema


async def assert_strawberry_says_the_same(
    told: ExecutionResult, document: str, variables: dict[str, Any], context: Context
) -> None:
    """Only what reads is asked a second time."""
    if told.errors and told.data is None and not told.errors[0].path:
        return  # refused before it was executed, which both do by the same code
    if parsed(document).operations[0].operation.value != "query":
        return
    own = await strawberry.Schema.execute(schema, document, variables, context)
    assert _comparable(told) == _comparable(own)


def _comparable(result: ExecutionResult) -> Any:
    """Without what is new each time: numbers of faults, and figures that pass with time."""
    errors = [_NUMBER.sub("", str(error.formatted)) for error in result.errors or ()]
    return _without_figures(result.data), sorted(errors), result.extensions


_NUMBER = re.compile(r"[0-9a-f]{16}")


def _without_figures(value: Any) -> Any:
    if isinstance(value, dict):
        return [(key, _without_figures(each)) for key, each in value.items()]
    if isinstance(value, list):
        return [_without_figures(each) for each in value]
    return float if isinstance(value, float) else value
