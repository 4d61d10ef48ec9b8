"""What every door of the API does alike: execute an operation as a viewer, and tell the outcome as JSON values."""

from collections.abc import AsyncGenerator, Callable, Iterable
from contextlib import aclosing
from dataclasses import dataclass
from typing import Any, Final

import strawberry
from strawberry.types import ExecutionResult
from strawberry.types.graphql import OperationType

from oms.domain.access.permissions import Viewer
from oms.domain.idempotency.keys import RepeatKey
from oms.web.auth.authenticator import Authenticator, Unauthenticated
from oms.web.auth.credentials import Shown
from oms.web.graphql.errors import STATUS_OF_FAULT, RequestRefused, formatted, invalid, refusal_of
from oms.web.graphql.request import Operation
from oms.web.server.rates import OperationRateLimited, Rates

QUERIES: Final = (OperationType.QUERY,)
QUERIES_AND_MUTATIONS: Final = (OperationType.QUERY, OperationType.MUTATION)


@dataclass(frozen=True, slots=True)
class Outcome:
    """The JSON value of a result, and the HTTP status it would have. Not `began`: refused before it was executed."""

    status: int
    body: dict[str, Any]
    began: bool = True


@dataclass(frozen=True, slots=True)
class Api:
    """The schema, and what its operations need. `new_context` makes the context of one operation."""

    schema: strawberry.Schema
    authenticator: Authenticator
    new_context: Callable[[Viewer, RepeatKey | None], object]
    rates: Rates

    async def admit(self, shown: Shown, address: str, *, in_use: bool = True) -> Viewer:
        """Who sends a request, which counts as theirs; without good credentials, as that address's.

        Raises Unauthenticated, or RateLimited.
        """
        try:
            viewer = await self.authenticator.viewer(shown, in_use=in_use)
        except Unauthenticated:
            await self.rates.stranger(address)
            raise
        await self.rates.caller(viewer)
        return viewer

    async def execute(
        self, operation: Operation, viewer: Viewer, repeat: RepeatKey | None, *, allowed: Iterable[OperationType]
    ) -> Outcome:
        """A query or a mutation. Raises RequestRefused where the document has no such operation, or one not allowed."""
        kind = operation.kind()
        if kind not in allowed:
            raise not_here(kind)
        result = await self.schema.execute(
            operation.document,
            operation.variables,
            self.new_context(viewer, repeat),
            operation_name=operation.name,
        )
        return outcome_of(result)

    async def stream(
        self, operation: Operation, shown: Shown, repeat: RepeatKey | None = None
    ) -> AsyncGenerator[Outcome, None]:
        """Any operation, for a transport that takes many results: one of a query or mutation, all of a subscription.

        Credentials are looked at again before each result, so that a revoked token ends the stream. Raises
        Unauthenticated then, and RateLimited where the viewer has too many subscriptions open.
        """
        kind = operation.kind()
        viewer = await self.authenticator.viewer(shown)
        if kind is not OperationType.SUBSCRIPTION:
            outcome = await self.execute(operation, viewer, repeat, allowed=QUERIES_AND_MUTATIONS)
            await self.authenticator.viewer(shown)
            yield outcome
            return
        with self.rates.subscription(viewer):
            results = await self.schema.stream(
                operation.document,
                operation.variables,
                self.new_context(viewer, repeat),
                operation_name=operation.name,
            )
            async with aclosing(results):
                async for result in results:
                    await self.authenticator.viewer(shown)
                    yield outcome_of(result)


def outcome_of(result: Any) -> Outcome:
    """The outcome of an execution's result. Raises RateLimited where the operation was not executed for its cost.

    Source: GraphQL over HTTP, 6.4 (status codes). Errors without data are 400 where none of them stands at a field,
    for then nothing was executed, or the status of the fault that left no data.
    """
    if not isinstance(result, ExecutionResult):
        raise TypeError(f"results in parts are not supported: {type(result)}")
    if not result.errors:
        return Outcome(200, _body(result, {"data": result.data}))
    if isinstance(first := result.errors[0], OperationRateLimited) and first.path is None:
        raise first.refusal
    errors = formatted(result.errors)
    if result.data is not None:
        return Outcome(200, _body(result, {"data": result.data, "errors": errors}))
    faults = [STATUS_OF_FAULT.get(error["extensions"]["code"], 0) for error in errors]
    if not any(error.path for error in result.errors):
        return Outcome(max(faults) or 400, _body(result, {"errors": errors}), began=False)
    return Outcome(max(faults) or 200, _body(result, {"data": None, "errors": errors}))


def failure(error: Exception) -> Outcome:
    """The outcome of an operation that was ended by an exception."""
    refusal = refusal_of(error)
    return Outcome(refusal.status, {"errors": refusal.errors}, began=False)


def _body(result: ExecutionResult, body: dict[str, Any]) -> dict[str, Any]:
    return body | {"extensions": result.extensions} if result.extensions else body


def not_here(kind: OperationType) -> RequestRefused:
    """The refusal of a kind of operation that the door used does not take."""
    if kind is OperationType.MUTATION:
        return invalid("A mutation needs POST.", status=405, headers={"Allow": "POST"})
    return invalid("A subscription needs a WebSocket, or Accept: text/event-stream.")
