"""The session's cookie at the API works for scripts of this site's pages only."""

from collections.abc import AsyncIterator

import httpx
import orjson
import pytest
from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed, InvalidStatus
from websockets.typing import Subprotocol

from oms.platform.db import Database
from tests.web.conftest import COOKIE, Server, issued

VIEWER = {"query": "{ viewer }"}


@pytest.fixture
async def browser(server: Server, session: str) -> AsyncIterator[httpx.AsyncClient]:
    """Signed in, without further headers."""
    async with httpx.AsyncClient(base_url=server.url, cookies={COOKIE.name: session}, timeout=20) as client:
        yield client


async def test_a_script_of_an_own_page_acts_with_the_session(browser: httpx.AsyncClient) -> None:
    response = await browser.post("/graphql", json=VIEWER, headers={"Sec-Fetch-Site": "same-origin"})
    assert response.json() == {"data": {"viewer": "tester SUPPORT"}}


async def test_the_origin_decides_for_browsers_without_fetch_metadata(
    browser: httpx.AsyncClient, server: Server
) -> None:
    response = await browser.post("/graphql", json=VIEWER, headers={"Origin": server.url})
    assert response.json() == {"data": {"viewer": "tester SUPPORT"}}


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site"},
        {"Sec-Fetch-Site": "none"},
        {"Sec-Fetch-Site": ""},
        {"Origin": "https://elsewhere.example"},
        {"Origin": "null"},
        {"Sec-Fetch-Site": "cross-site", "Origin": "OWN"},
        {"Sec-Fetch-Site": "cross-site", "Accept": "text/event-stream"},
    ],
    ids=str,
)
async def test_the_session_is_ignored_for_other_origins(
    browser: httpx.AsyncClient, server: Server, headers: dict[str, str]
) -> None:
    sent = {name: server.url if value == "OWN" else value for name, value in headers.items()}
    response = await browser.post("/graphql", json=VIEWER, headers=sent)
    assert response.status_code == 401
    assert response.json()["errors"][0]["extensions"]["code"] == "UNAUTHENTICATED"


async def test_the_session_is_ignored_for_get(browser: httpx.AsyncClient) -> None:
    own = {"Sec-Fetch-Site": "same-origin", "Accept": "application/json"}
    assert (await browser.get("/graphql", params=VIEWER, headers=own)).status_code == 401


@pytest.mark.parametrize("kind", ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data; boundary=x"])
async def test_a_form_cannot_send_a_request(browser: httpx.AsyncClient, kind: str) -> None:
    own = {"Sec-Fetch-Site": "same-origin", "Content-Type": kind}
    response = await browser.post("/graphql", content=orjson.dumps(VIEWER), headers=own)
    assert response.status_code == 415


async def test_a_token_takes_precedence_over_the_session(browser: httpx.AsyncClient, db: Database) -> None:
    headers = {"Sec-Fetch-Site": "same-origin", "Authorization": f"Bearer {await issued(db, 'shown')}"}
    assert (await browser.post("/graphql", json=VIEWER, headers=headers)).json()["data"]["viewer"] == "shown SUPPORT"
    headers["Authorization"] = "Bearer nobodys"
    assert (await browser.post("/graphql", json=VIEWER, headers=headers)).status_code == 401


async def _viewer_over_socket(server: Server, headers: dict[str, str]) -> str:
    """The viewer of a WebSocket without credentials, or the close code."""
    async with connect(
        server.websocket, subprotocols=[Subprotocol("graphql-transport-ws")], additional_headers=headers
    ) as socket:
        try:
            await socket.send(b'{"type": "connection_init"}'.decode())
            await socket.recv()
            await socket.send(orjson.dumps({"type": "subscribe", "id": "1", "payload": VIEWER}).decode())
            return str(orjson.loads(await socket.recv())["payload"]["data"]["viewer"])
        except ConnectionClosed:
            return str(socket.close_code)


async def test_a_websocket_of_an_own_page_acts_with_the_session(server: Server, session: str) -> None:
    own = {"Cookie": f"{COOKIE.name}={session}", "Origin": server.url}
    assert await _viewer_over_socket(server, own) == "tester SUPPORT"


async def test_a_websocket_without_an_origin_has_no_session(server: Server, session: str) -> None:
    assert await _viewer_over_socket(server, {"Cookie": f"{COOKIE.name}={session}"}) == "4401"


async def test_a_websocket_of_another_site_is_refused(server: Server, session: str) -> None:
    with pytest.raises(InvalidStatus, match="403"):
        await _viewer_over_socket(server, {"Cookie": f"{COOKIE.name}={session}", "Origin": "https://elsewhere.example"})
