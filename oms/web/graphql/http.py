"""GraphQL over HTTP at /graphql: GET for queries, POST for queries and mutations, either as an event stream.

Source: the draft specification "GraphQL over HTTP", and the audits of the npm package graphql-http. A well-formed
request whose document can't be executed gets 400 as application/graphql-response+json, and 200 as application/json,
whose clients may take any other status for an intermediary's answer. Refusals before GraphQL and failures without data
keep their status in both.
"""

from starlette.requests import ClientDisconnect, Request
from starlette.responses import RedirectResponse, Response
from starlette.types import ASGIApp, Receive, Scope, Send
from strawberry.types.graphql import OperationType

from oms.domain.access.permissions import SchemaPermission, Viewer, may
from oms.web.auth.authenticator import Unauthenticated, credential_of
from oms.web.auth.credentials import Presented
from oms.web.auth.same_origin import presented_by
from oms.web.errors.refusals import CannotExecute, invalid, refusal_of
from oms.web.graphql.api import QUERIES, QUERIES_AND_MUTATIONS, Api, unsupported
from oms.web.graphql.graphiql import graphiql_page, wants_graphiql
from oms.web.graphql.idempotency_key import repeat_key
from oms.web.graphql.request import MAX_REQUEST_BYTES, GraphQLRequest, decode_json
from oms.web.graphql.sse import EventStream
from oms.web.live.open_streams import OpenStreams
from oms.web.server.bodies import read_body
from oms.web.server.negotiation import EVENT_STREAM, JSON, refusal_type, require_json, response_type
from oms.web.server.rate_limits import client_address
from oms.web.server.responses import json_response, refusal_response


class HttpEndpoint:
    """The ASGI application of /graphql for HTTP. Callers authenticate; in a `demo` anybody may open GraphiQL."""

    def __init__(self, api: Api, streams: OpenStreams, *, demo: bool) -> None:
        self._api = api
        self._streams = streams
        self._demo = demo

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        request = Request(scope, receive)
        try:
            response = await self._respond(request)
        except ClientDisconnect:
            return
        except Exception as error:  # noqa: BLE001 - refusal_of() logs and masks bugs
            response = refusal_response(refusal_of(error), refusal_type(request))
        await response(scope, receive, send)

    async def _respond(self, request: Request) -> ASGIApp:
        if wants_graphiql(request):
            return await self._graphiql(request)
        if request.method not in {"GET", "POST"}:
            raise invalid("Send queries by GET or POST.", status=405, headers={"Allow": "GET, POST"})
        presented = presented_by(request, self._api.authenticator.cookie)
        viewer = await self._api.admit(presented, client_address(request))
        media_type = response_type(request)
        operation = await _read_operation(request)
        try:
            return await self._execute(request, operation, presented, viewer, media_type)
        except CannotExecute as refusal:
            if media_type != JSON:
                raise
            return json_response({"errors": refusal.errors}, 200)

    async def _execute(
        self, request: Request, operation: GraphQLRequest, presented: Presented, viewer: Viewer, media_type: str
    ) -> ASGIApp:
        repeat = repeat_key(request.headers.getlist("idempotency-key"), operation)
        if media_type == EVENT_STREAM:
            if request.method == "GET" and operation.kind() is OperationType.MUTATION:
                raise unsupported(OperationType.MUTATION)
            outcomes = self._api.stream(operation, presented, client_address(request), repeat)
            return EventStream(outcomes, credential_of(presented), self._streams)
        allowed = QUERIES if request.method == "GET" else QUERIES_AND_MUTATIONS
        outcome = await self._api.execute(operation, viewer, repeat, allowed=allowed)
        status = 200 if outcome.status == 400 and media_type == JSON else outcome.status
        if status != 200:
            outcome.body.pop("data", None)  # required by the specification of any status but 2xx
        return json_response(outcome.body, status, media_type)

    async def _graphiql(self, request: Request) -> Response:
        if await self._may_read_schema(request):
            return graphiql_page(demo=self._demo)
        return RedirectResponse("/", 303)

    async def _may_read_schema(self, request: Request) -> bool:
        if self._demo:
            return True
        try:
            viewer = await self._api.admit(self._api.authenticator.cookie.read(request), client_address(request))
        except Unauthenticated:
            return False
        return may(viewer, SchemaPermission.READ_SCHEMA)


async def _read_operation(request: Request) -> GraphQLRequest:
    if request.method == "GET":
        return GraphQLRequest.of_parameters(request.query_params)
    require_json(request)
    return GraphQLRequest.of(decode_json(await read_body(request, max_bytes=MAX_REQUEST_BYTES), what="The body"))
