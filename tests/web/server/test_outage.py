"""The database is away: every transport reports UNAVAILABLE, and the process stays alive."""

import asyncio
from collections.abc import Iterator
from contextlib import suppress

import httpx
import orjson
import pytest
from sqlalchemy.engine import make_url
from structlog.testing import capture_logs
from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed
from websockets.typing import Subprotocol

from oms.platform.settings import Settings, load_settings
from oms.tools.dev_services.embedded.ports import free_port
from tests.platform.refusing_postgres import REFUSALS, refusing
from tests.web.conftest import COOKIE, NO_TLS, Mutation, Server, serving, until

BEARER = {"Authorization": "Bearer somebodys"}


@pytest.fixture(scope="module")
def cut_off(redis_url: str) -> Iterator[Server]:
    """A web process whose database is unreachable."""
    nowhere = f"postgresql://user@127.0.0.1:{free_port(0)}/oms"
    with serving(load_settings(database_url=nowhere, redis_url=redis_url)) as server:
        yield server


@pytest.mark.parametrize("accept", ["application/json", "text/event-stream"])
async def test_requests_get_503_while_the_database_is_away(cut_off: Server, accept: str) -> None:
    async with httpx.AsyncClient(headers=BEARER | {"Accept": accept}) as client:
        response = await client.post(cut_off.graphql, json={"query": "{ viewer }"})
    assert response.status_code == 503
    assert response.json()["errors"][0]["extensions"]["code"] == "UNAVAILABLE"


async def test_the_process_is_alive_but_not_ready(cut_off: Server) -> None:
    async with httpx.AsyncClient(base_url=cut_off.url) as client:
        assert (await client.get("/health")).status_code == 200
        ready = await client.get("/ready")
    assert ready.status_code == 503
    assert ready.json()["errors"][0]["extensions"]["code"] == "UNAVAILABLE"


async def test_a_websocket_is_closed_with_1013(cut_off: Server) -> None:
    await _expect_1013(cut_off)


@pytest.mark.parametrize("kind", REFUSALS)
async def test_every_door_tells_of_an_outage_and_nothing_is_logged_as_a_bug(
    redis_url: str, kind: str, caplog: pytest.LogCaptureFixture
) -> None:
    async with refusing(REFUSALS[kind]) as port:
        settings = load_settings(database_url=f"postgresql://user@127.0.0.1:{port}/oms", redis_url=redis_url)
        with capture_logs() as logs, serving(settings) as server:
            async with httpx.AsyncClient(base_url=server.url, timeout=20, verify=NO_TLS) as client:
                await _expect_503_at_every_door(client)
            await _expect_1013(server)
            await asyncio.to_thread(server.stop)
    assert [entry for entry in logs if entry["log_level"] in ("error", "critical")] == []
    assert [record.getMessage() for record in caplog.records if record.levelname in ("ERROR", "CRITICAL")] == []


async def _expect_503_at_every_door(client: httpx.AsyncClient) -> None:
    session = {"Cookie": f"{COOKIE.name}={'s' * 43}", "Sec-Fetch-Site": "same-origin"}
    page = {"Accept": "text/html"}
    answers = {
        "API": await client.post("/graphql", json={"query": "{ viewer }"}, headers=BEARER),
        "API, GET": await client.get("/graphql", params={"query": "{ viewer }"}, headers=BEARER),
        "events": await client.post(
            "/graphql", json={"query": "{ viewer }"}, headers=BEARER | {"Accept": "text/event-stream"}
        ),
        "page": await client.get("/support", headers=session | page),
        "start page": await client.get("/", headers=session | page),
        "form": await client.post("/sign-out", headers=session | page),
        "live page": await client.get("/live", params={"on": "orders"}, headers=session),
        "ready": await client.get("/ready"),
        "metrics": await client.get("/metrics", headers=BEARER),
    }
    assert {door: answer.status_code for door, answer in answers.items()} == dict.fromkeys(answers, 503)
    assert {answer.headers.get("retry-after") for answer in answers.values()} == {"1"}
    for door in ("API", "API, GET", "events", "ready", "metrics"):
        [error] = answers[door].json()["errors"]
        assert error["extensions"]["code"] == "UNAVAILABLE"
        assert error["extensions"]["retryAfter"] == 1
    for door in ("page", "start page", "form"):
        assert answers[door].headers["content-type"].startswith("text/html")
        assert "unavailable; try again" in answers[door].text


async def _expect_1013(server: Server) -> None:
    async with connect(server.websocket, subprotocols=[Subprotocol("graphql-transport-ws")]) as socket:
        greeting = {"type": "connection_init", "payload": {"authorization": "Bearer somebodys"}}
        await socket.send(orjson.dumps(greeting).decode())
        with pytest.raises(ConnectionClosed):
            await asyncio.wait_for(socket.recv(), 10)
        assert socket.close_code == 1013


async def test_a_command_that_outlasts_a_stopping_server_is_told_to_come_again(
    web_settings: Settings, token: str
) -> None:
    with serving(web_settings) as server:
        async with httpx.AsyncClient(headers={"Authorization": f"Bearer {token}"}, timeout=30) as client:
            acts = Mutation.acts  # type: ignore[attr-defined]
            slow = {"query": 'mutation { act(note: "slow", seconds: 3600) }'}
            request = asyncio.create_task(client.post(server.graphql, json=slow))
            await until(lambda: Mutation.acts > acts)  # type: ignore[attr-defined]
            await asyncio.to_thread(server.stop)
            answer = await request
    assert (answer.status_code, answer.headers["retry-after"]) == (503, "1")
    [error] = answer.json()["errors"]
    assert error["extensions"]["code"] == "UNAVAILABLE"
    assert "Send it again with the same reference or Idempotency-Key" in error["message"]


async def test_a_page_that_outlasts_a_stopping_server_tells_it_as_a_page(redis_url: str) -> None:
    """Its database accepts connections and is silent."""
    asked = asyncio.Event()

    async def stay_silent(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        asked.set()
        await reader.read()
        writer.close()

    silent = await asyncio.start_server(stay_silent, "127.0.0.1", 0)
    port = silent.sockets[0].getsockname()[1]
    settings = load_settings(database_url=f"postgresql://user@127.0.0.1:{port}/oms", redis_url=redis_url)
    with serving(settings) as server:
        headers = {"Cookie": f"{COOKIE.name}={'s' * 43}", "Accept": "text/html"}
        async with httpx.AsyncClient(base_url=server.url, headers=headers, timeout=30) as client:
            request = asyncio.create_task(client.get("/support"))
            await asked.wait()
            await asyncio.to_thread(server.stop)
            answer = await request
    silent.close()
    assert (answer.status_code, answer.headers["retry-after"]) == (503, "1")
    assert answer.headers["content-type"].startswith("text/html")
    assert "Send it again" in answer.text


class _Bridge:
    """A proxy to the database that can be interrupted."""

    def __init__(self, host: str, port: int) -> None:
        self._target = (host, port)
        self._listening: asyncio.Server | None = None
        self._writers: set[asyncio.StreamWriter] = set()
        self.port = free_port(0)

    async def build(self) -> None:
        self._listening = await asyncio.start_server(self._cross, "127.0.0.1", self.port)

    async def tear_down(self) -> None:
        assert self._listening
        self._listening.close()
        for writer in self._writers:
            writer.transport.abort()

    async def _cross(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        far_reader, far_writer = await asyncio.open_connection(*self._target)
        self._writers |= {writer, far_writer}
        await asyncio.gather(self._carry(reader, far_writer), self._carry(far_reader, writer))

    async def _carry(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(ConnectionError):
            while data := await reader.read(65536):
                writer.write(data)
        writer.close()


async def test_the_process_recovers_with_the_database(web_settings: Settings, token: str) -> None:
    """Requests fail while it is away; nothing needs a restart, and subscriptions continue."""
    url = make_url(web_settings.database_url or "")
    bridge = _Bridge(url.host or "", url.port or 5432)
    await bridge.build()
    over_bridge = url.set(host="127.0.0.1", port=bridge.port).render_as_string(hide_password=False)
    with serving(web_settings.model_copy(update={"database_url": over_bridge})) as server:
        headers = {"Authorization": f"Bearer {token}"}
        async with httpx.AsyncClient(base_url=server.url, headers=headers, timeout=20) as client:
            assert (await client.post("/graphql", json={"query": "{ now }"})).status_code == 200
            await bridge.tear_down()
            response = await client.post("/graphql", json={"query": "{ now }"})
            assert response.status_code == 503
            assert response.json()["errors"][0]["extensions"]["code"] == "UNAVAILABLE"
            streamed = {"query": "subscription { fraudSettings }"}
            response = await client.post("/graphql", json=streamed, headers={"Accept": "text/event-stream"})
            assert '"code":"UNAVAILABLE"' in response.text
            await bridge.build()

            async def is_back() -> bool:
                return (await client.post("/graphql", json={"query": "{ now }"})).status_code == 200

            await until(is_back)
        await asyncio.to_thread(server.stop)  # while the bridge, which is this thread's, still carries
    await bridge.tear_down()
