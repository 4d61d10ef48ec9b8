"""The protocol graphql-transport-ws as a table: in this phase, this message causes these actions."""

from typing import Any

import orjson
import pytest

from oms.web.auth.authenticator import Unauthenticated
from oms.web.errors.codes import CLOSE_CODE, HTTP_STATUS, Close, ErrorCode
from oms.web.errors.refusals import RequestRefused
from oms.web.graphql import websocket_protocol
from oms.web.graphql.api import Outcome
from oms.web.graphql.request import GraphQLRequest
from oms.web.graphql.websocket_protocol import (
    Action,
    Authenticate,
    Cancel,
    CloseSocket,
    Count,
    Phase,
    Protocol,
    Send,
    Start,
    complete_message,
    next_message,
)
from oms.web.server.rate_limits import RateLimited

QUERY = {"query": "{ a }"}
INIT = {"type": "connection_init"}
OPENED, AUTHENTICATING, READY = Phase.OPENED, Phase.AUTHENTICATING, Phase.READY


def protocol_in(phase: Phase, *running: str) -> Protocol:
    """A protocol that got there by messages, with operations of these keys running."""
    protocol = Protocol()
    if phase is not OPENED:
        received(protocol, INIT)
    if phase is READY:
        protocol.authenticated()
    for key in running:
        received(protocol, {"type": "subscribe", "id": key, "payload": QUERY})
    assert protocol.phase is phase
    return protocol


def received(protocol: Protocol, message: Any) -> list[Action]:
    return protocol.receive(orjson.dumps(message).decode())


def subscribe(key: Any, payload: Any = QUERY) -> dict[str, Any]:
    return {"type": "subscribe", "id": key, "payload": payload}


def closes(code: Close, reason: str) -> list[Action]:
    return [CloseSocket(code, reason)]


MALFORMED = closes(Close.BAD_MESSAGE, "Unknown or malformed message")
PING = {"type": "ping", "payload": {"a": 1}}


@pytest.mark.parametrize(
    ("phase", "message", "actions"),
    [
        (OPENED, INIT, [Authenticate(None)]),
        (OPENED, INIT | {"payload": None}, [Authenticate(None)]),
        (OPENED, INIT | {"payload": {"Authorization": "Bearer x"}}, [Authenticate("Bearer x")]),
        (OPENED, INIT | {"payload": {"other": 1}}, [Authenticate(None)]),
        (OPENED, INIT | {"payload": []}, closes(Close.BAD_MESSAGE, "The payload of connection_init must be an object")),
        (OPENED, INIT | {"payload": {"authorization": 1}}, closes(Close.BAD_MESSAGE, "authorization must be a string")),
        (AUTHENTICATING, INIT, closes(Close.SECOND_INIT, "Too many initialisation requests")),
        (READY, INIT, closes(Close.SECOND_INIT, "Too many initialisation requests")),
        (OPENED, {"type": "ping"}, [Count(), Send({"type": "pong"})]),
        (READY, PING, [Count(), Send({"type": "pong", "payload": {"a": 1}})]),
        (READY, {"type": "ping", "payload": "text"}, [Count(), Send({"type": "pong"})]),
        (OPENED, {"type": "pong"}, [Count()]),
        (OPENED, subscribe("a"), closes(Close.UNAUTHORIZED, "Unauthorized")),
        (AUTHENTICATING, subscribe("a"), closes(Close.UNAUTHORIZED, "Unauthorized")),
        (READY, subscribe("a"), [Start("a", GraphQLRequest("{ a }"))]),
        (READY, subscribe("running"), closes(Close.ID_IN_USE, "Subscriber for running already exists")),
        (READY, subscribe("a", {}), closes(Close.BAD_MESSAGE, "query must be a GraphQL document.")),
        (READY, subscribe(""), MALFORMED),
        (READY, subscribe(1), MALFORMED),
        (READY, subscribe("a", "{ a }"), MALFORMED),
        (READY, {"type": "complete", "id": "running"}, [Count(), Cancel("running")]),
        (READY, {"type": "complete", "id": "unknown"}, [Count()]),
        (READY, {"type": "complete"}, MALFORMED),
        (READY, {"type": "next", "id": "a"}, MALFORMED),
        (READY, {}, MALFORMED),
        (READY, [], closes(Close.BAD_MESSAGE, "Messages must be JSON objects")),
    ],
)
def test_a_message_causes_these_actions(phase: Phase, message: Any, actions: list[Action]) -> None:
    protocol = protocol_in(phase, *(["running"] if phase is READY else []))
    assert received(protocol, message) == actions
    assert (protocol.phase is Phase.CLOSED) == any(isinstance(action, CloseSocket) for action in actions)


@pytest.mark.parametrize(
    ("text", "reason"), [(None, "Messages must be text"), ("{", "Messages must be JSON"), ("", "Messages must be JSON")]
)
def test_what_is_no_message_closes_the_connection(text: str | None, reason: str) -> None:
    assert protocol_in(READY).receive(text) == closes(Close.BAD_MESSAGE, reason)


@pytest.mark.parametrize(
    ("phase", "limit"),
    [(OPENED, "MAX_EARLY_BYTES"), (AUTHENTICATING, "MAX_EARLY_BYTES"), (READY, "MAX_REQUEST_BYTES")],
)
def test_messages_are_limited_and_the_limit_is_low_until_the_client_is_known(phase: Phase, limit: str) -> None:
    characters = getattr(websocket_protocol, limit)
    envelope = len('{"type":"pong","x":""}')
    fits = {"type": "pong", "x": "x" * (characters - envelope)}
    assert received(protocol_in(phase), fits) == [Count()]
    assert received(protocol_in(phase), fits | {"x": fits["x"] + "x"}) == closes(
        Close.TOO_BIG, "The message is too long"
    )


def test_after_a_close_nothing_causes_an_action() -> None:
    protocol = protocol_in(OPENED)
    assert protocol.init_timed_out() == closes(Close.INIT_TIMEOUT, "Connection initialisation timeout")
    assert received(protocol, INIT) == []
    assert protocol.receive(None) == []


@pytest.mark.parametrize("phase", [AUTHENTICATING, READY])
def test_the_timeout_is_for_clients_that_did_not_initialise(phase: Phase) -> None:
    assert protocol_in(phase).init_timed_out() == []


def test_authentication_is_acknowledged() -> None:
    assert protocol_in(AUTHENTICATING).authenticated() == [Send({"type": "connection_ack"})]


@pytest.mark.parametrize("by", ["server", "client"])
def test_a_key_is_free_again_once_its_operation_has_ended(by: str) -> None:
    protocol = protocol_in(READY, "a")
    if by == "server":
        protocol.finished("a")
    else:
        received(protocol, {"type": "complete", "id": "a"})
    assert received(protocol, subscribe("a")) == [Start("a", GraphQLRequest("{ a }"))]


def test_an_operation_too_many_is_refused_and_ends_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(websocket_protocol, "MAX_OPERATIONS", 2)
    protocol = protocol_in(READY, "a", "b")
    [action] = received(protocol, subscribe("c"))
    assert isinstance(action, Send)
    assert (action.message["type"], action.message["id"]) == ("error", "c")
    assert action.message["payload"][0]["extensions"] == {"code": "RATE_LIMITED"}
    assert protocol.phase is READY
    protocol.finished("a")
    assert received(protocol, subscribe("c")) == [Start("c", GraphQLRequest("{ a }"))]


def test_results_are_next_and_what_was_not_executed_is_an_error() -> None:
    assert next_message("a", Outcome(200, {"data": 1})) == {"id": "a", "type": "next", "payload": {"data": 1}}
    refused = Outcome(400, {"errors": [{"message": "no"}]}, executed=False)
    assert next_message("a", refused) == {"id": "a", "type": "error", "payload": [{"message": "no"}]}
    assert complete_message("a") == {"id": "a", "type": "complete"}


@pytest.mark.parametrize(
    ("refusal", "code"),
    [
        (Unauthenticated("Send a token.", bad=False), Close.UNAUTHORIZED),
        (Unauthenticated("A bad token.", bad=True), Close.FORBIDDEN),
        (RateLimited("Too much."), Close.TRY_AGAIN),
        (RequestRefused(ErrorCode.UNAVAILABLE, "Away."), Close.TRY_AGAIN),
        (RequestRefused(ErrorCode.INTERNAL, "A bug."), Close.INTERNAL),
    ],
)
def test_a_refusal_that_ends_the_connection_has_a_close_code(refusal: RequestRefused, code: Close) -> None:
    assert CloseSocket.of(refusal).code is code


def test_every_error_code_has_a_status() -> None:
    assert HTTP_STATUS.keys() == set(ErrorCode)
    assert CLOSE_CODE.keys() <= set(ErrorCode)
