"""What HTTP, WebSocket and event streams share: executing an operation as a viewer, with a JSON value as outcome."""

from collections.abc import AsyncGenerator, Callable, Iterable
from contextlib import aclosing
from dataclasses import dataclass, replace
from functools import partial
from typing import Any, Final

import strawberry
from strawberry.types import ExecutionResult
from strawberry.types.graphql import OperationType

from oms.domain.access.permissions import Viewer
from oms.domain.idempotency.keys import IdempotencyKey
from oms.domain.shop_settings.current import CurrentShop
from oms.platform.faults.outages import through_outages
from oms.web.auth.authenticator import Authenticator, Unauthenticated
from oms.web.auth.credentials import Presented
from oms.web.auth.preferences import answer_as_preferred
from oms.web.errors.codes import FAILS_REQUEST, HTTP_STATUS
from oms.web.errors.refusals import RequestRefused, format_errors, invalid, refusal_of
from oms.web.graphql.request import GraphQLRequest
from oms.web.server.rate_limits import RateLimitedError, RateLimits

QUERIES: Final = (OperationType.QUERY,)
QUERIES_AND_MUTATIONS: Final = (OperationType.QUERY, OperationType.MUTATION)


@dataclass(frozen=True, slots=True)
class Outcome:
    """A result as JSON value, and its HTTP status. Not `executed`: refused before any resolver ran."""

    status: int
    body: dict[str, Any]
    executed: bool = True


@dataclass(frozen=True, slots=True)
class Api:
    """The schema, and what its operations need. `new_context` makes the context of one operation."""

    schema: strawberry.Schema
    authenticator: Authenticator
    new_context: Callable[[Viewer, IdempotencyKey | None], object]
    rate_limits: RateLimits
    shop: CurrentShop

    async def admit(self, presented: Presented, address: str, *, is_activity: bool = True) -> Viewer:
        """The viewer of a request, which is counted: for the viewer, or for the address without valid credentials.

        Raises Unauthenticated, or RateLimited.
        """
        try:
            viewer = await self.authenticator.viewer(presented, is_activity=is_activity)
        except Unauthenticated:
            await self.rate_limits.count_anonymous(address)
            raise
        await self.rate_limits.count_request(viewer)
        answer_as_preferred(viewer, shop_zone=self.shop.now.time_zone)
        return _acting(viewer, address)

    async def execute(
        self,
        request: GraphQLRequest,
        viewer: Viewer,
        repeat: IdempotencyKey | None,
        *,
        allowed: Iterable[OperationType],
    ) -> Outcome:
        """A query or mutation. Raises RequestRefused if the document has no such operation, or one not allowed."""
        kind = request.kind()
        if kind not in allowed:
            raise unsupported(kind)
        if kind is OperationType.QUERY and viewer.is_person:
            async with self.rate_limits.queries_of(viewer):
                return await self._execute(request, viewer, repeat)
        return await self._execute(request, viewer, repeat)

    async def _execute(self, request: GraphQLRequest, viewer: Viewer, repeat: IdempotencyKey | None) -> Outcome:
        result = await self.schema.execute(
            request.document,
            request.variables,
            self.new_context(viewer, repeat),
            operation_name=request.name,
        )
        return outcome_of(result)

    async def stream(
        self, request: GraphQLRequest, presented: Presented, address: str, repeat: IdempotencyKey | None = None
    ) -> AsyncGenerator[Outcome, None]:
        """Any operation, for a transport of many results: one of a query or mutation, all of a subscription.

        Checks the credentials again before each result, so that a revoked token ends the stream. Raises
        Unauthenticated then, and RateLimited if the viewer has too many subscriptions open.
        """
        kind = request.kind()
        viewer = _acting(await self.authenticator.viewer(presented), address)
        if kind is not OperationType.SUBSCRIPTION:
            outcome = await self.execute(request, viewer, repeat, allowed=QUERIES_AND_MUTATIONS)
            await self.authenticator.viewer(presented)
            yield outcome
            return
        with self.rate_limits.subscription(viewer):
            results = await self.schema.stream(
                request.document,
                request.variables,
                self.new_context(viewer, repeat),
                operation_name=request.name,
            )
            async with aclosing(results):
                async for result in results:
                    # A result waits for the database, rather than to be lost or sent to who may see it no more.
                    await through_outages(partial(self.authenticator.viewer, presented))
                    yield outcome_of(result)


def _acting(viewer: Viewer, address: str) -> Viewer:
    """A person's viewer with the address, for the audit log; machines are known by their token alone."""
    return replace(viewer, address=address) if viewer.is_person else viewer


def outcome_of(result: Any) -> Outcome:
    """The outcome of an execution's result. Raises RateLimited if the operation was refused for its cost.

    Source: GraphQL over HTTP, 6.4 (status codes). Errors without data are 400 if none of them has a path, because then
    nothing was executed; otherwise the status of the error that left no data.
    """
    if not isinstance(result, ExecutionResult):
        raise TypeError(f"results in parts are not supported: {type(result)}")
    if not result.errors:
        return Outcome(200, _body(result, {"data": result.data}))
    if isinstance(first := result.errors[0], RateLimitedError) and first.path is None:
        raise first.refusal
    errors = format_errors(result.errors)
    if result.data is not None:
        return Outcome(200, _body(result, {"data": result.data, "errors": errors}))
    codes = FAILS_REQUEST.intersection(error["extensions"]["code"] for error in errors)
    status = max((HTTP_STATUS[code] for code in codes), default=None)
    if not any(error.path for error in result.errors):
        return Outcome(status or 400, _body(result, {"errors": errors}), executed=False)
    return Outcome(status or 200, _body(result, {"data": None, "errors": errors}))


def failure(error: Exception) -> Outcome:
    """The outcome of an operation that an exception ended."""
    refusal = refusal_of(error)
    return Outcome(refusal.status, {"errors": refusal.errors}, executed=False)


def _body(result: ExecutionResult, body: dict[str, Any]) -> dict[str, Any]:
    return body | {"extensions": result.extensions} if result.extensions else body


def unsupported(kind: OperationType) -> RequestRefused:
    """The refusal of a kind of operation that this transport does not support."""
    if kind is OperationType.MUTATION:
        return invalid("A mutation needs POST.", status=405, headers={"Allow": "POST"})
    return invalid("A subscription needs a WebSocket, or Accept: text/event-stream.")
