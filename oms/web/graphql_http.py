"""GraphQL over HTTP at /graphql: GET for queries, POST for queries and mutations, either as a stream of events.

Source: the draft specification "GraphQL over HTTP". Its SHOULD of status 200 for application/json whatever the
request is not followed: a request that can't be carried out has its own status, so that proxies and people see it.
"""

from typing import Any, Final

import orjson
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.types import ASGIApp, Receive, Scope, Send
from strawberry.types.graphql import OperationType

from oms.web.api import QUERIES, QUERIES_AND_MUTATIONS, Api, not_here
from oms.web.graphiql import graphiql_page, wants_graphiql
from oms.web.graphql_errors import RequestRefused, invalid, refusal_of
from oms.web.graphql_sse import EventStream
from oms.web.idempotency_key import repeat_key
from oms.web.negotiation import EVENT_STREAM, JSON, answer_type, refusal_type, require_json
from oms.web.open_streams import OpenStreams
from oms.web.operation import LONGEST_REQUEST_BYTES, Operation, decoded
from oms.web.own_pages import authorization_of

_HEADERS: Final = {"Cache-Control": "no-store", "X-Content-Type-Options": "nosniff"}


class HttpDoor:
    """The ASGI application of /graphql for HTTP. GraphiQL is for everybody, all else for authenticated callers."""

    def __init__(self, api: Api, streams: OpenStreams) -> None:
        self._api = api
        self._streams = streams

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
            return graphiql_page()
        if request.method not in {"GET", "POST"}:
            raise invalid("Send queries by GET or POST.", status=405, headers={"Allow": "GET, POST"})
        authorization = authorization_of(request)
        viewer = await self._api.authenticator.viewer(authorization)
        media_type = answer_type(request)
        operation = await _operation(request)
        repeat = repeat_key(request.headers.getlist("idempotency-key"), operation)
        if media_type == EVENT_STREAM:
            if request.method == "GET" and operation.kind() is OperationType.MUTATION:
                raise not_here(OperationType.MUTATION)
            return EventStream(self._api.stream(operation, authorization, repeat), self._streams)
        allowed = QUERIES if request.method == "GET" else QUERIES_AND_MUTATIONS
        outcome = await self._api.execute(operation, viewer, repeat, allowed=allowed)
        if outcome.status != 200:
            outcome.body.pop("data", None)  # what is no 2xx has none, so says the specification
        return json_response(outcome.body, outcome.status, media_type)


def json_response(body: Any, status: int, media_type: str = JSON) -> Response:
    content_type = f"{media_type}; charset=utf-8"
    return Response(orjson.dumps(body), status, headers=_HEADERS | {"Content-Type": content_type})


def refusal_response(refusal: RequestRefused, media_type: str = JSON) -> Response:
    """The refusal in GraphQL's error form, with its status and headers."""
    response = json_response({"errors": refusal.errors}, refusal.status, media_type)
    response.headers.update(refusal.headers)
    return response


async def _operation(request: Request) -> Operation:
    if request.method == "GET":
        return Operation.of_parameters(request.query_params)
    require_json(request)
    return Operation.of(decoded(await _body(request), what="The body"))


async def _body(request: Request) -> bytes:
    """The body, read no further than to its bound. Raises RequestRefused(413)."""
    announced = request.headers.get("content-length", "")
    if announced.isdigit() and int(announced) > LONGEST_REQUEST_BYTES:
        raise _too_large()
    body = bytearray()
    async for chunk in request.stream():
        body += chunk
        if len(body) > LONGEST_REQUEST_BYTES:
            raise _too_large()
    return bytes(body)


def _too_large() -> RequestRefused:
    most = LONGEST_REQUEST_BYTES // (1024 * 1024)
    return invalid(f"The body is larger than {most} MiB: send less at once.", status=413)
