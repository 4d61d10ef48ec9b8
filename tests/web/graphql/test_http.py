"""GraphQL over HTTP: methods, media types, status codes, limits, and GraphQL's form of every refusal."""

import asyncio
import re
from typing import Any
from urllib.parse import urlsplit

import httpx
import orjson
import pytest

from oms.domain.access.permissions import Viewer
from oms.domain.vocabulary.actor import Role
from oms.platform.db import Database
from oms.platform.settings import Settings
from oms.web.graphql.request import MAX_VALUES
from oms.web.server import bodies
from tests.web.conftest import COOKIE, Server, serving, session_of

JSON = {"Content-Type": "application/json"}


def _code(response: httpx.Response) -> str:
    """The code of a refusal, after checking its form."""
    assert "json" in response.headers["content-type"]
    body = response.json()
    assert "data" not in body
    assert body["errors"][0]["message"]
    return str(body["errors"][0]["extensions"]["code"])


async def test_a_query_by_post_is_answered(client: httpx.AsyncClient) -> None:
    response = await client.post("/graphql", json={"query": "{ viewer }"})
    assert response.status_code == 200
    assert response.json() == {"data": {"viewer": "tester SUPPORT"}}
    assert response.headers["cache-control"] == "no-store"


async def test_variables_and_the_operation_name_are_used(client: httpx.AsyncClient) -> None:
    request = {
        "query": "query A { viewer } query B($text: String!) { echo(text: $text) }",
        "variables": {"text": "é\u0000😀"},
        "operationName": "B",
    }
    assert (await client.post("/graphql", json=request)).json() == {"data": {"echo": "é\u0000😀"}}


async def test_a_query_by_get_is_answered(client: httpx.AsyncClient) -> None:
    parameters = {"query": "query($t: String!) { echo(text: $t) }", "variables": '{"t": "hi"}'}
    response = await client.get("/graphql", params=parameters)
    assert response.json() == {"data": {"echo": "hi"}}


async def test_a_mutation_by_get_is_refused_with_405(client: httpx.AsyncClient) -> None:
    response = await client.get("/graphql", params={"query": 'mutation { act(note: "x") }'})
    assert response.status_code == 405
    assert response.headers["allow"] == "POST"
    assert _code(response) == "INVALID"


@pytest.mark.parametrize("method", ["PUT", "DELETE", "PATCH", "OPTIONS"])
async def test_other_methods_are_refused_with_405(client: httpx.AsyncClient, method: str) -> None:
    response = await client.request(method, "/graphql")
    assert (response.status_code, response.headers["allow"]) == (405, "GET, POST")
    assert _code(response) == "INVALID"


@pytest.mark.parametrize(
    ("accept", "expected"),
    [
        (None, "application/json"),
        ("*/*", "application/json"),
        ("application/json, application/graphql-response+json", "application/graphql-response+json"),
        ("application/json", "application/json"),
        ("application/graphql-response+json", "application/graphql-response+json"),
        ("application/graphql-response+json, application/json;q=0.9", "application/graphql-response+json"),
        ("application/json, application/graphql-response+json;q=0.1", "application/json"),
        ("application/*;q=0.5, application/graphql-response+json;q=0", "application/json"),
        ("APPLICATION/JSON; charset=utf-8", "application/json"),
        ("text/html, */*;q=0.1", "application/json"),
    ],
)
async def test_the_response_has_the_media_type_that_the_client_prefers(
    client: httpx.AsyncClient, accept: str | None, expected: str
) -> None:
    request = client.build_request("POST", "/graphql", json={"query": "{ viewer }"})
    del request.headers["accept"]
    if accept:
        request.headers["accept"] = accept
    response = await client.send(request)
    assert response.headers["content-type"] == f"{expected}; charset=utf-8"


@pytest.mark.parametrize("accept", ["text/plain", "image/*", "application/json;q=0", "application/json;q=x"])
async def test_a_client_that_accepts_none_of_our_media_types_gets_406(client: httpx.AsyncClient, accept: str) -> None:
    response = await client.post("/graphql", json={"query": "{ viewer }"}, headers={"Accept": accept})
    assert response.status_code == 406
    assert _code(response) == "INVALID"


@pytest.mark.parametrize(
    "content_type", ["", "text/plain", "application/x-www-form-urlencoded", "application/json; charset=utf-16"]
)
async def test_a_body_not_declared_as_json_gets_415(client: httpx.AsyncClient, content_type: str) -> None:
    headers = {"Content-Type": content_type} if content_type else {}
    response = await client.post("/graphql", content=b'{"query": "{ viewer }"}', headers=headers)
    assert response.status_code == 415
    assert _code(response) == "INVALID"


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{",
        b"\xff",
        b'{"query": "\\ud800"}',
        b"null",
        b'"{ viewer }"',
        b"{}",
        b'{"query": null}',
        b'{"query": "  "}',
        b'{"query": 1}',
        b'{"query": "{ viewer }", "variables": []}',
        b'{"query": "{ viewer }", "variables": "{}"}',
        b'{"query": "{ viewer }", "operationName": 1}',
        b'{"query": "{ viewer }", "extensions": []}',
        b"[" * 5000,
        b'[{"query": "{ viewer }"}]',
    ],
)
async def test_a_malformed_request_gets_400(client: httpx.AsyncClient, body: bytes) -> None:
    response = await client.post("/graphql", content=body, headers=JSON)
    assert response.status_code == 400
    assert _code(response) == "INVALID"


@pytest.mark.parametrize(
    ("accept", "status"), [("application/json", 200), ("*/*", 200), ("application/graphql-response+json", 400)]
)
@pytest.mark.parametrize(
    "request_body",
    [
        {"query": "{"},
        {"query": "{ nothing }"},
        {"query": "query($t: String!) { echo(text: $t) }"},
        {"query": "query($t: String!) { echo(text: $t) }", "variables": {"t": 1}},
        {"query": "query A { viewer } query B { viewer }"},
        {"query": "query A { viewer }", "operationName": "C"},
        {"query": "fragment F on Query { viewer }"},
        {"query": "{ a" * 20_000},
        {"query": "{" + " ".join(f"a{n}: viewer" for n in range(10_000)) + "}"},
    ],
)
async def test_a_document_that_cannot_be_executed_is_refused_with_the_media_type_s_status(
    client: httpx.AsyncClient, request_body: dict[str, Any], accept: str, status: int
) -> None:
    response = await client.post("/graphql", json=request_body, headers={"Accept": accept})
    assert response.status_code == status, response.text
    assert _code(response) == "INVALID"


async def test_a_refusal_has_its_location_in_the_document(client: httpx.AsyncClient) -> None:
    response = await client.post("/graphql", json={"query": "{ viewer"})
    assert response.json()["errors"][0]["locations"] == [{"line": 1, "column": 9}]


async def test_a_subscription_needs_a_stream(client: httpx.AsyncClient) -> None:
    response = await client.post("/graphql", json={"query": "subscription { count(to: 1) }"})
    assert response.status_code == 400
    assert _code(response) == "INVALID"


async def test_a_body_that_does_not_arrive_in_time_gets_408(
    server: Server, token: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bodies, "BODY_TIMEOUT_S", 0.2)
    head = f"POST /graphql HTTP/1.1\r\nHost: {urlsplit(server.url).netloc}\r\nAuthorization: Bearer {token}\r\n"
    reader, writer = await asyncio.open_connection("127.0.0.1", urlsplit(server.url).port)
    writer.write(f"{head}Content-Type: application/json\r\nContent-Length: 100\r\n\r\n{{".encode())
    answer = await asyncio.wait_for(reader.read(), 10)  # to the end: the connection is closed, too
    writer.close()
    assert answer.startswith(b"HTTP/1.1 408 ")
    assert b'"INVALID"' in answer


async def test_malformed_parameters_of_a_get_are_refused(client: httpx.AsyncClient) -> None:
    for parameters in ({}, {"query": "{ viewer }", "variables": "{"}, {"query": "{ viewer }", "variables": "[]"}):
        response = await client.get("/graphql", params=parameters)
        assert response.status_code == 400
        assert _code(response) == "INVALID"


async def test_a_body_of_four_mebibytes_is_accepted(client: httpx.AsyncClient) -> None:
    body = orjson.dumps({"query": "query($t: String!) { echo(text: $t) }", "variables": {"t": "x" * 4_000_000}})
    response = await client.post("/graphql", content=body, headers=JSON)
    assert response.status_code == 200
    assert len(response.json()["data"]["echo"]) == 4_000_000


async def test_a_thousand_orders_of_realistic_size_fit() -> None:
    from oms.web.graphql.request import MAX_REQUEST_BYTES

    address = {"name": "A" * 40, "line1": "B" * 60, "city": "C" * 30, "postalCode": "12345-678", "country": "BR"}
    order = {
        "reference": "9" * 36,
        "customerReference": "8" * 36,
        "currency": "BRL",
        "email": "somebody.with.a.name@shop.example.com",
        "shippingAddress": address,
        "lines": [{"sku": "22423-regency", "quantity": 12, "unitPrice": 1275}] * 26,
    }
    bulk = orjson.dumps({"query": "mutation …", "variables": {"inputs": [order] * 1000}})
    long_order = orjson.dumps({"lines": [{"sku": "S" * 100, "quantity": 1_000_000, "unitPrice": 2**53}] * 2000})
    assert max(len(bulk), len(long_order)) < MAX_REQUEST_BYTES


@pytest.mark.parametrize("announced", [True, False])
async def test_a_larger_body_gets_413(client: httpx.AsyncClient, announced: bool) -> None:
    async def chunks() -> Any:
        for _ in range(5):
            yield b" " * 1024 * 1024

    content: Any = b" " * 5 * 1024 * 1024 if announced else chunks()
    response = await client.post("/graphql", content=content, headers=JSON)
    assert response.status_code == 413
    assert _code(response) == "INVALID"


async def test_a_body_of_too_many_values_gets_413(client: httpx.AsyncClient) -> None:
    body = orjson.dumps({"query": "{ viewer }", "variables": {"x": [1] * (MAX_VALUES + 2)}})
    response = await client.post("/graphql", content=body, headers=JSON)
    assert response.status_code == 413
    assert _code(response) == "INVALID"


async def test_an_error_in_a_field_keeps_the_other_data_and_status_200(client: httpx.AsyncClient) -> None:
    response = await client.post("/graphql", json={"query": "{ viewer forbidden }"})
    assert response.status_code == 200
    body = response.json()
    assert body["data"] == {"viewer": "tester SUPPORT", "forbidden": None}
    assert body["errors"][0]["extensions"] == {"code": "FORBIDDEN"}
    assert body["errors"][0]["path"] == ["forbidden"]


@pytest.mark.parametrize(("query", "status"), [("{ viewer bug }", 200), ("{ fatalBug }", 500)])
async def test_a_bug_is_masked(client: httpx.AsyncClient, query: str, status: int) -> None:
    response = await client.post("/graphql", json={"query": query})
    assert response.status_code == status
    [error] = response.json()["errors"]
    assert error["extensions"]["code"] == "INTERNAL"
    assert error["extensions"]["correlationId"] in error["message"]
    assert "secret" not in response.text


async def test_an_unknown_address_gets_an_error_of_the_same_form(client: httpx.AsyncClient) -> None:
    response = await client.get("/nowhere")
    assert response.status_code == 404
    assert _code(response) == "NOT_FOUND"


async def test_the_start_page_needs_no_token_and_loads_only_own_files(server: Server) -> None:
    async with httpx.AsyncClient(base_url=server.url) as client:
        page = await client.get("/")
        assert page.status_code == 200
        assert "default-src 'none'" in page.headers["content-security-policy"]
        assert 'href="/graphql"' in page.text
        assert "http://" not in page.text.replace(server.url, "")
        assets = re.findall(r'(?:href|src)="(/static/[^"]+)"', page.text)
        assert len(assets) >= 3
        for asset in assets:
            answer = await client.get(asset)
            assert (answer.status_code, "immutable" in answer.headers["cache-control"]) == (200, True)
        assert (await client.head("/")).status_code == 200


async def test_health_and_readiness_are_reported(server: Server) -> None:
    async with httpx.AsyncClient(base_url=server.url) as client:
        assert (await client.get("/health")).json() == {"status": "alive"}
        assert (await client.get("/ready")).json() == {"status": "ready"}


BROWSER = {"Accept": "text/html,*/*;q=0.8"}


async def test_graphiql_is_for_staff_who_are_signed_in(server: Server, session: str, db: Database) -> None:
    async with httpx.AsyncClient(base_url=server.url, headers=BROWSER) as client:
        stranger = await client.get("/graphql")
        assert (stranger.status_code, stranger.headers["location"]) == (303, "/")
    async with httpx.AsyncClient(base_url=server.url, headers=BROWSER, cookies={COOKIE.name: session}) as client:
        assert 'id="graphiql"' in (await client.get("/graphql")).text
    courier = await session_of(db, Viewer("a courier", Role.COURIER))
    async with httpx.AsyncClient(base_url=server.url, headers=BROWSER, cookies={COOKIE.name: courier}) as client:
        assert (await client.get("/graphql")).status_code == 303


async def test_in_demo_mode_graphiql_is_for_everybody(web_settings: Settings) -> None:
    with serving(web_settings.model_copy(update={"demo": True})) as server:
        async with httpx.AsyncClient(base_url=server.url, headers=BROWSER) as client:
            assert 'id="graphiql"' in (await client.get("/graphql")).text
