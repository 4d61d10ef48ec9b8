"""graphql-sse in distinct connections mode: framing, keep-alive, errors, and disconnected clients."""

import asyncio
import time
from collections.abc import AsyncIterator

import httpx
import pytest
from sqlalchemy import text

from oms.platform.db import Database
from oms.platform.settings import Settings
from oms.web.auth import authenticator as auth
from oms.web.graphql import sse as graphql_sse
from tests.web.conftest import Server, issued, serving, subscribers, until, until_subscribed_by

EVENTS = {"Accept": "text/event-stream"}


async def _stream(client: httpx.AsyncClient, query: str) -> httpx.Response:
    return await client.post("/graphql", json={"query": query}, headers=EVENTS)


async def _events(response: httpx.Response) -> AsyncIterator[str]:
    """Each block of a stream, comments included."""
    held = ""
    async for part in response.aiter_text():
        held += part
        while "\n\n" in held:
            block, _, held = held.partition("\n\n")
            yield block


async def test_each_result_is_an_event_and_so_is_the_end(client: httpx.AsyncClient) -> None:
    response = await _stream(client, "subscription { count(to: 2) }")
    assert response.status_code == 200
    assert response.headers["content-type"] == "text/event-stream; charset=utf-8"
    assert response.headers["cache-control"] == "no-store"
    assert response.text == (
        ":\n\n"
        'event: next\ndata: {"data":{"count":0}}\n\n'
        'event: next\ndata: {"data":{"count":1}}\n\n'
        "event: complete\ndata:\n\n"
    )


@pytest.mark.parametrize("document", ['{ echo(text: "a\\nb") }', 'mutation { echo: act(note: "a") }'])
async def test_queries_and_mutations_are_one_event(client: httpx.AsyncClient, document: str) -> None:
    blocks = (await _stream(client, document)).text.split("\n\n")
    assert blocks[0] == ":"
    assert blocks[1].startswith('event: next\ndata: {"data":{"echo":"a')
    assert blocks[2:] == ["event: complete\ndata:", ""]


async def test_a_client_that_accepts_event_streams_among_others_gets_one(client: httpx.AsyncClient) -> None:
    headers = {"Accept": "text/event-stream, */*"}
    response = await client.post("/graphql", json={"query": "{ viewer }"}, headers=headers)
    assert response.headers["content-type"].startswith("text/event-stream")


async def test_a_get_streams_too(client: httpx.AsyncClient) -> None:
    parameters = {"query": "subscription($to: Int!) { count(to: $to) }", "variables": '{"to": 1}'}
    response = await client.get("/graphql", params=parameters, headers=EVENTS)
    assert 'data: {"data":{"count":0}}' in response.text


async def test_a_mutation_by_get_is_refused(client: httpx.AsyncClient) -> None:
    parameters = {"query": 'mutation { act(note: "x") }'}
    response = await client.get("/graphql", params=parameters, headers=EVENTS)
    assert response.status_code == 405
    assert response.json()["errors"][0]["extensions"]["code"] == "INVALID"


@pytest.mark.parametrize("document", ["{", "{ nothing }", "subscription { nothing }"])
async def test_a_document_that_cannot_be_executed_is_reported_in_an_event(
    client: httpx.AsyncClient, document: str
) -> None:
    response = await _stream(client, document)
    assert 'event: next\ndata: {"errors":[{' in response.text
    assert '"code":"INVALID"' in response.text
    assert response.text.endswith("event: complete\ndata:\n\n")


async def test_a_malformed_request_is_refused_before_any_event(client: httpx.AsyncClient) -> None:
    response = await client.post("/graphql", json={}, headers=EVENTS)
    assert response.status_code == 400
    assert response.json()["errors"][0]["extensions"]["code"] == "INVALID"


async def test_a_bug_is_masked(client: httpx.AsyncClient) -> None:
    response = await _stream(client, "subscription { bug }")
    assert 'data: {"data":{"bug":1}}' in response.text
    assert '"code":"INTERNAL"' in response.text
    assert "secret" not in response.text


async def test_a_silent_stream_is_kept_alive_by_comments(
    client: httpx.AsyncClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(graphql_sse, "KEEP_ALIVE_S", 0.1)
    request = {"query": "subscription { shipments }"}
    async with client.stream("POST", "/graphql", json=request, headers=EVENTS) as response, asyncio.timeout(5):
        comments = 0
        async for block in _events(response):
            assert block == ":"
            comments += 1
            if comments == 4:
                break


async def test_a_disconnected_client_releases_its_subscription(client: httpx.AsyncClient) -> None:
    before = await subscribers(client)
    request = {"query": "subscription { shipments }"}
    async with client.stream("POST", "/graphql", json=request, headers=EVENTS):
        await until_subscribed_by(client, before + 1)
    await until_subscribed_by(client, before)


async def test_a_client_that_does_not_read_is_disconnected(
    server: Server, client: httpx.AsyncClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(graphql_sse, "SEND_TIMEOUT_S", 0.5)
    before = len(server.app.state.streams)
    request = {"query": "subscription { pages(length: 100000) }"}
    async with client.stream("POST", "/graphql", json=request, headers=EVENTS):
        await until(lambda: len(server.app.state.streams) == before + 1)
        await until(lambda: len(server.app.state.streams) == before)


async def test_a_revoked_token_ends_the_stream(server: Server, db: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(auth, "VALID_CACHE_S", 0.2)
    headers = EVENTS | {"Authorization": f"Bearer {await issued(db, 'stream ends soon')}"}
    request = {"query": "subscription { pages(length: 1) }"}
    async with (
        httpx.AsyncClient(base_url=server.url, headers=headers) as client,
        client.stream("POST", "/graphql", json=request) as response,
        asyncio.timeout(10),
    ):
        async with db.transaction() as tx:
            await tx.conn.execute(
                text("UPDATE access_tokens SET revoked_at = clock_timestamp() WHERE name = 'stream ends soon'")
            )
        *_, last_but_one, last = [block async for block in _events(response)]
        assert '"code":"UNAUTHENTICATED"' in last_but_one
        assert last == "event: complete\ndata:"


async def test_a_stopping_server_ends_its_streams_at_once(web_settings: Settings, token: str) -> None:
    with serving(web_settings) as server:
        headers = EVENTS | {"Authorization": f"Bearer {token}"}
        request = {"query": "subscription { shipments }"}
        async with (
            httpx.AsyncClient(base_url=server.url, headers=headers) as client,
            client.stream("POST", "/graphql", json=request) as response,
        ):
            began_s = time.monotonic()
            stopping = asyncio.create_task(asyncio.to_thread(server.stop))
            assert [block async for block in _events(response)] == [":"]
            await stopping
            assert time.monotonic() - began_s < 10  # the server would wait for 25 s
