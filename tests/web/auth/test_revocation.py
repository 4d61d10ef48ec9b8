"""Revoked credentials end open streams within seconds, silent ones included: WebSockets, event streams, live pages.

Nothing happens on any of these streams, so that they end can only come from looking whether they may stay.
"""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass

import httpx
import orjson
import pytest
from sqlalchemy import event, text
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed
from websockets.typing import Subprotocol

from oms.domain.access.permissions import Viewer
from oms.domain.audit.model import OPERATOR
from oms.domain.identity import account_commands as accounts
from oms.domain.identity import session_commands as sessions
from oms.domain.tokens import commands as access
from oms.domain.vocabulary.actor import Role
from oms.platform.db import Database
from oms.web.auth.authenticator import Authenticator
from oms.web.auth.credentials import Credential
from oms.web.live.open_streams import CHECK_EVERY_S
from tests.shop import SESSION_RULES
from tests.web.conftest import COOKIE, Server, account_of, issued

WITHIN_S = 3 * CHECK_EVERY_S
SILENT = "subscription { shipments }"
SUPPORTER = Viewer("supporter", Role.SUPPORT)


@dataclass
class Held:
    """A credential: how a request presents it, and statements that revoke it."""

    headers: dict[str, str]
    ends: dict[str, str]
    id: str


async def _token(db: Database) -> Held:
    token = await issued(db, "silent")
    async with db.reading() as conn:
        newest = "SELECT id FROM access_tokens WHERE name = 'silent' ORDER BY id DESC LIMIT 1"
        token_id = str((await conn.execute(text(newest))).scalar_one())
    ends = {
        "revoked": "UPDATE access_tokens SET revoked_at = clock_timestamp() WHERE id = :id",
        "expired": "UPDATE access_tokens SET expires_at = clock_timestamp() WHERE id = :id",
    }
    return Held({"Authorization": f"Bearer {token}"}, ends, token_id)


async def _session(db: Database, server: Server) -> Held:
    account = await account_of(db, SUPPORTER)
    async with db.transaction() as tx:
        secret = await sessions.start(tx, account, SESSION_RULES, by="password")
    ends = {
        "signed out": "UPDATE sessions SET ended_at = clock_timestamp() WHERE account_id = :id",
        "idle": "UPDATE sessions SET last_seen_at = clock_timestamp() - interval '9 h' WHERE account_id = :id",
        "expired": "UPDATE sessions SET expires_at = clock_timestamp() WHERE account_id = :id",
        "disabled": "UPDATE accounts SET disabled_at = clock_timestamp() WHERE id = :id",
    }
    own = {"Cookie": f"{COOKIE.name}={secret}", "Origin": server.url, "Sec-Fetch-Site": "same-origin"}
    return Held(own, ends, str(account.id))


@asynccontextmanager
async def _socket(server: Server, held: Held) -> AsyncIterator[ClientConnection]:
    shown = held.headers.get("Authorization")
    headers = {name: value for name, value in held.headers.items() if name != "Authorization"}
    async with connect(
        server.websocket, subprotocols=[Subprotocol("graphql-transport-ws")], additional_headers=headers
    ) as socket:
        payload = {"authorization": shown} if shown else {}
        await socket.send(orjson.dumps({"type": "connection_init", "payload": payload}).decode())
        assert orjson.loads(await socket.recv())["type"] == "connection_ack"
        await socket.send(orjson.dumps({"type": "subscribe", "id": "1", "payload": {"query": SILENT}}).decode())
        yield socket


async def _close_code(socket: ClientConnection) -> int | None:
    with suppress(ConnectionClosed):
        async with asyncio.timeout(WITHIN_S):
            async for _ in socket:
                pass
    return socket.close_code


async def _end(db: Database, held: Held, how: str) -> None:
    async with db.transaction() as tx:
        await tx.conn.execute(text(held.ends[how]), {"id": held.id})


@pytest.mark.parametrize("how", ["revoked", "expired"])
async def test_a_silent_websocket_of_a_revoked_token_closes(server: Server, db: Database, how: str) -> None:
    held, other = await _token(db), await _token(db)
    async with _socket(server, held) as socket, _socket(server, other) as kept:
        await _end(db, held, how)
        assert await _close_code(socket) == 4403
        assert kept.close_code is None


@pytest.mark.parametrize("how", ["signed out", "idle", "expired", "disabled"])
async def test_a_silent_websocket_of_an_ended_session_closes(server: Server, db: Database, how: str) -> None:
    held, other = await _session(db, server), await _session(db, server)
    async with _socket(server, held) as socket, _socket(server, other) as kept:
        await _end(db, held, how)
        assert await _close_code(socket) == 4403
        assert kept.close_code is None


@pytest.mark.parametrize("kind", ["token", "session"])
async def test_a_silent_event_stream_ends_with_the_reason(server: Server, db: Database, kind: str) -> None:
    held = await _token(db) if kind == "token" else await _session(db, server)
    headers = held.headers | {"Accept": "text/event-stream"}
    async with (
        httpx.AsyncClient(base_url=server.url, headers=headers, timeout=20) as client,
        client.stream("POST", "/graphql", json={"query": SILENT}) as stream,
    ):
        parts = stream.aiter_text()
        assert await anext(parts) == ":\n\n"
        await _end(db, held, next(iter(held.ends)))
        async with asyncio.timeout(WITHIN_S):
            told = "".join([part async for part in parts])
    assert '"code":"UNAUTHENTICATED"' in told
    assert told.endswith("event: complete\ndata:\n\n")


@pytest.mark.parametrize("how", ["signed out", "idle", "disabled"])
async def test_an_open_page_s_stream_ends(server: Server, db: Database, how: str) -> None:
    held = await _session(db, server)
    async with httpx.AsyncClient(base_url=server.url, headers=held.headers, timeout=20) as browser:
        async with browser.stream("GET", "/live?on=orders") as stream:
            parts = stream.aiter_text()
            assert "changed" in await anext(parts)
            await _end(db, held, how)
            async with asyncio.timeout(WITHIN_S):
                assert "changed" not in "".join([part async for part in parts])
        assert (await browser.get("/live?on=orders")).status_code == 401


async def test_requests_are_refused_once_the_stream_has_ended(server: Server, db: Database) -> None:
    """The cached credential is dropped with the stream, although it was used a moment ago."""
    held = await _token(db)
    async with httpx.AsyncClient(base_url=server.url, headers=held.headers, timeout=20) as client:
        async with _socket(server, held) as socket:
            assert (await client.post("/graphql", json={"query": "{ viewer }"})).status_code == 200
            await _end(db, held, "revoked")
            assert await _close_code(socket) == 4403
        assert (await client.post("/graphql", json={"query": "{ viewer }"})).status_code == 401


async def test_every_way_to_lock_a_person_out_ends_their_streams(server: Server, db: Database) -> None:
    for change in ("password", "role", "disable", "sign out"):
        account = await account_of(db, SUPPORTER)
        async with db.transaction() as tx:
            secret = await sessions.start(tx, account, SESSION_RULES, by="password")
        held = Held({"Cookie": f"{COOKIE.name}={secret}", "Origin": server.url}, {}, "")
        async with _socket(server, held) as socket:
            async with db.transaction() as tx:
                match change:
                    case "password":
                        await accounts.set_password(tx, OPERATOR, account.id, "another hash")
                    case "role":
                        await accounts.set_role(tx, OPERATOR, account.id, Role.MANAGER, None)
                    case "disable":
                        await accounts.set_disabled(tx, OPERATOR, account.id, disabled=True)
                    case _:
                        await sessions.end_all(tx, OPERATOR, account)
            assert await _close_code(socket) == 4403, change


async def test_a_token_is_revoked_by_its_id(server: Server, db: Database) -> None:
    held = await _token(db)
    [found] = [each for each in await access.issued(db, limit=10) if str(each.id) == held.id]
    assert (found.name, found.revoked_at) == ("silent", None)
    async with _socket(server, held) as socket:
        async with db.transaction() as tx:
            await access.revoke_token(tx, found.id)
        assert await _close_code(socket) == 4403


async def test_checking_open_streams_needs_one_statement_per_kind_of_credential(db: Database) -> None:
    authenticator = Authenticator(db, SESSION_RULES)
    shown = [Credential(bytes([number]) * 32, is_session=number % 2 == 0) for number in range(40)]
    asked: list[str] = []
    event.listen(db.engine.sync_engine, "before_cursor_execute", note := lambda *each: asked.append(each[2]))
    try:
        assert await authenticator.revoked_of(shown) == set(shown)
    finally:
        event.remove(db.engine.sync_engine, "before_cursor_execute", note)
    assert len(asked) == 2
