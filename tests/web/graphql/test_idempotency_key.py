"""The Idempotency-Key header: its forms, the requests it is allowed for, and repeated requests."""

import asyncio
from uuid import uuid4

import httpx
import pytest

from oms.web.errors.refusals import RequestRefused
from oms.web.graphql.idempotency_key import key_of
from oms.web.graphql.request import GraphQLRequest

ACT = "mutation($note: String!, $seconds: Float) { act(note: $note, seconds: $seconds) }"


async def _act(
    client: httpx.AsyncClient, key: str, note: str = "a", seconds: float = 0, document: str = ACT
) -> httpx.Response:
    request = {"query": document, "variables": {"note": note, "seconds": seconds}}
    return await client.post("/graphql", json=request, headers={"Idempotency-Key": key})


@pytest.mark.parametrize(
    ("header", "key"),
    [
        ('"8e03978e-40d5"', "8e03978e-40d5"),
        ('  "with blanks, and more"  ', "with blanks, and more"),
        (r'"quote \" and backslash \\"', r'quote " and backslash \ '.strip()),
        ("8e03978e-40d5-43dd-bc93-6894a57f9324", "8e03978e-40d5-43dd-bc93-6894a57f9324"),
        ("order:4711/a+b=c", "order:4711/a+b=c"),
        ("x" * 255, "x" * 255),
    ],
)
def test_a_key_is_a_string_or_bare(header: str, key: str) -> None:
    assert key_of([header]) == key


@pytest.mark.parametrize(
    "header",
    ["", '""', '"', '"open', r'"bad \escape"', '"a"b', '"a";p=1', "two words", "a,b", "a;b", "é", '"é"', "x" * 256],
)
def test_a_malformed_key_is_refused(header: str) -> None:
    with pytest.raises(RequestRefused) as refusal:
        key_of([header])
    assert refusal.value.status == 400


def test_a_missing_header_is_no_key_and_two_are_refused() -> None:
    assert key_of([]) is None
    with pytest.raises(RequestRefused):
        key_of(["a", "b"])


@pytest.mark.parametrize(
    ("document", "once"),
    [
        ("mutation { a }", True),
        ("mutation { a { b c } }", True),
        ("mutation { a ...F } fragment F on M { b }", False),
        ("mutation { ...F } fragment F on M { ...G } fragment G on M { a }", True),
        ("mutation { ... on M { a } }", True),
        ("mutation { ...F } fragment F on M { ...F a }", True),
        ("mutation { a b }", False),
        ("mutation { a x: a }", False),
        ("query { a }", False),
        ("subscription { a }", False),
    ],
)
def test_a_mutation_with_one_root_field_is_recognised(document: str, once: bool) -> None:
    assert GraphQLRequest(document).mutates_once() is once


def test_the_operation_chosen_by_name_counts() -> None:
    document = "mutation M { a } query Q { a }"
    assert GraphQLRequest(document, name="M").mutates_once()
    assert not GraphQLRequest(document, name="Q").mutates_once()


def test_the_same_request_is_the_same_however_its_json_was_written() -> None:
    one = GraphQLRequest.of({"query": "q", "variables": {"a": 1, "b": {"c": 2, "d": 3}}, "operationName": None})
    other = GraphQLRequest.of({"operationName": "", "variables": {"b": {"d": 3, "c": 2}, "a": 1}, "query": "q"})
    assert one.canonical() == other.canonical()
    assert one.canonical() != GraphQLRequest("q", {"a": 2}).canonical()


async def test_a_repeated_request_takes_effect_once(client: httpx.AsyncClient) -> None:
    key = str(uuid4())
    first = await _act(client, key)
    assert first.status_code == 200
    assert (await _act(client, f'"{key}"')).json() == first.json()
    assert (await _act(client, str(uuid4()))).json() != first.json()


async def test_the_key_with_another_body_gets_422(client: httpx.AsyncClient) -> None:
    key = str(uuid4())
    await _act(client, key, "a")
    response = await _act(client, key, "b")
    assert response.status_code == 422
    assert response.json()["errors"][0]["extensions"]["code"] == "DUPLICATE"
    assert "data" not in response.json()


async def test_while_the_first_is_running_the_repeat_gets_409(client: httpx.AsyncClient) -> None:
    key = str(uuid4())
    first = asyncio.create_task(_act(client, key, seconds=1))
    await asyncio.sleep(0.5)
    response = await _act(client, key, seconds=1)
    assert response.status_code == 409
    assert response.json()["errors"][0]["extensions"]["code"] == "CONFLICT"
    assert (await first).status_code == 200
    assert (await _act(client, key, seconds=1)).json() == (await first).json()


@pytest.mark.parametrize(
    "document",
    [
        'query { echo(text: "x") }',
        'mutation { a: act(note: "x") b: act(note: "x") }',
    ],
)
async def test_with_anything_but_one_mutation_the_key_is_refused(client: httpx.AsyncClient, document: str) -> None:
    response = await client.post("/graphql", json={"query": document}, headers={"Idempotency-Key": "k"})
    assert response.status_code == 400
    assert response.json()["errors"][0]["extensions"]["code"] == "INVALID"


async def test_a_document_that_cannot_be_parsed_is_refused_with_a_key_as_well(client: httpx.AsyncClient) -> None:
    response = await client.post("/graphql", json={"query": "mutation {"}, headers={"Idempotency-Key": "k"})
    assert "Syntax Error" in response.json()["errors"][0]["message"]


async def test_a_key_does_not_replace_the_operation_name(client: httpx.AsyncClient) -> None:
    document = 'mutation A { act(note: "x") } mutation B { act(note: "y") }'
    response = await client.post("/graphql", json={"query": document}, headers={"Idempotency-Key": "k"})
    assert "operationName" in response.json()["errors"][0]["message"]


async def test_a_malformed_key_gets_400(client: httpx.AsyncClient) -> None:
    response = await _act(client, '"open')
    assert response.status_code == 400
    assert response.json()["errors"][0]["extensions"]["code"] == "INVALID"


async def test_variables_nested_too_deeply_for_a_key_get_400(client: httpx.AsyncClient) -> None:
    nested = "[" * 500 + "]" * 500
    body = f'{{"query": "mutation {{ act(note: \\"a\\") }}", "variables": {{"x": {nested}}}}}'
    headers = {"Idempotency-Key": str(uuid4()), "Content-Type": "application/json"}
    response = await client.post("/graphql", content=body, headers=headers)
    assert response.status_code == 400
    assert response.json()["errors"][0]["extensions"] == {"code": "INVALID"}


async def test_the_key_works_over_server_sent_events(client: httpx.AsyncClient) -> None:
    headers = {"Accept": "text/event-stream", "Idempotency-Key": str(uuid4())}
    request = {"query": ACT, "variables": {"note": "a"}}
    first = await client.post("/graphql", json=request, headers=headers)
    assert (await client.post("/graphql", json=request, headers=headers)).text == first.text
