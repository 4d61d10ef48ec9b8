"""GraphQL over HTTP at /graphql: GET for queries, POST for queries and mutations, either as a stream of events.

Source: the draft specification "GraphQL over HTTP", and the audits of the npm package graphql-http. A well-formed
request whose document can't be executed is 400 as application/graphql-response+json, and 200 as application/json,
whose clients may take another status for somebody else's answer. What is refused before GraphQL has its say keeps its
status in either, as do faults of ours that left nothing to tell.
"""

from typing import Any, Final

import orjson
from starlette.requests import ClientDisconnect, Request
from starlette.responses import RedirectResponse, Response
from starlette.types import ASGIApp, Receive, Scope, Send
from strawberry.types.graphql import OperationType

from oms.domain.access import permissions as access
from oms.domain.access.permissions import Viewer, may
from oms.web.auth.authenticator import Unauthenticated, credential_of
from oms.web.auth.credentials import Shown
from oms.web.auth.same_origin import shown_by
from oms.web.graphql.api import QUERIES, QUERIES_AND_MUTATIONS, Api, not_here
from oms.web.graphql.errors import CannotExecute, RequestRefused, invalid, refusal_of
from oms.web.graphql.graphiql import graphiql_page, wants_graphiql
from oms.web.graphql.idempotency_key import repeat_key
from oms.web.graphql.request import LONGEST_REQUEST_BYTES, Operation, decoded
from oms.web.graphql.sse import EventStream
from oms.web.live.open_streams import OpenStreams
from oms.web.server.bodies import body_of
from oms.web.server.negotiation import EVENT_STREAM, JSON, RESPONSE_JSON, answer_type, refusal_type, require_json
from oms.web.server.rates import address_of


class HttpDoor:
    """The ASGI application of /graphql for HTTP, for authenticated callers. In a `demo` GraphiQL is for everybody."""

    def __init__(self, api: Api, streams: OpenStreams, *, demo: bool) -> None:
        self._api = api
        self._streams = streams
        self._demo = demo

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        request = Request(scope, receive)
        try:
            response = await self._answer(request)
        except ClientDisconnect:
            return
        except Exception as error:  # noqa: BLE001 - whatever it is: refusal_of() masks and logs it
            response = refusal_response(refusal_of(error), refusal_type(request))
        await response(scope, receive, send)

    async def _answer(self, request: Request) -> ASGIApp:
        if wants_graphiql(request):
            return (
                graphiql_page(demo=self._demo) if await self._may_read_schema(request) else RedirectResponse("/", 303)
            )
        if request.method not in {"GET", "POST"}:
            raise invalid("Send queries by GET or POST.", status=405, headers={"Allow": "GET, POST"})
        shown = shown_by(request, self._api.authenticator.cookie)
        viewer = await self._api.admit(shown, address_of(request))
        media_type = answer_type(request)
        operation = await _operation(request)
        try:
            return await self._carried_out(request, operation, shown, viewer, media_type)
        except CannotExecute as refusal:
            if media_type != JSON:
                raise
            return json_response({"errors": refusal.errors}, 200)

    async def _carried_out(
        self, request: Request, operation: Operation, shown: Shown, viewer: Viewer, media_type: str
    ) -> ASGIApp:
        repeat = repeat_key(request.headers.getlist("idempotency-key"), operation)
        if media_type == EVENT_STREAM:
            if request.method == "GET" and operation.kind() is OperationType.MUTATION:
                raise not_here(OperationType.MUTATION)
            return EventStream(self._api.stream(operation, shown, repeat), credential_of(shown), self._streams)
        allowed = QUERIES if request.method == "GET" else QUERIES_AND_MUTATIONS
        outcome = await self._api.execute(operation, viewer, repeat, allowed=allowed)
        status = 200 if outcome.status == 400 and media_type == JSON else outcome.status
        if status != 200:
            outcome.body.pop("data", None)  # what is no 2xx has none, so says the specification
        return json_response(outcome.body, status, media_type)

    async def _may_read_schema(self, request: Request) -> bool:
        if self._demo:
            return True
        try:
            viewer = await self._api.admit(self._api.authenticator.cookie.read(request), address_of(request))
        except Unauthenticated:
            return False
        return may(viewer, access.Operation.READ_SCHEMA)


class JsonResponse(Response):
    """Starlette's, without the search for what its headers lack: they are these two."""

    def __init__(self, body: bytes, status: int, media_type: str = JSON) -> None:
        self.status_code = status
        self.background = None
        self.body = body
        self.raw_headers = [(b"content-type", _CONTENT_TYPES[media_type]), (b"content-length", b"%d" % len(body))]


_CONTENT_TYPES: Final = {media_type: f"{media_type}; charset=utf-8".encode() for media_type in (JSON, RESPONSE_JSON)}


def json_response(body: Any, status: int, media_type: str = JSON) -> Response:
    return JsonResponse(orjson.dumps(body), status, media_type)


def refusal_response(refusal: RequestRefused, media_type: str = JSON) -> Response:
    """The refusal in GraphQL's error form, with its status and headers."""
    response = json_response({"errors": refusal.errors}, refusal.status, media_type)
    response.headers.update(refusal.headers)
    return response


async def _operation(request: Request) -> Operation:
    if request.method == "GET":
        return Operation.of_parameters(request.query_params)
    require_json(request)
    return Operation.of(decoded(await body_of(request, most_bytes=LONGEST_REQUEST_BYTES), what="The body"))
