"""The web process on a free port: uvicorn in a thread, on the real database and Redis, with a small schema."""

import asyncio
import secrets
import threading
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from uuid import UUID

import httpx
import pytest
import strawberry
from graphql import GraphQLError
from sqlalchemy import text
from starlette.applications import Starlette
from strawberry.types import Info

from oms.app import build_app
from oms.domain.access.permissions import Viewer
from oms.domain.audit.model import OPERATOR
from oms.domain.idempotency.keys import once
from oms.domain.identity import account_commands as accounts
from oms.domain.identity import passwords
from oms.domain.identity import session_commands as sessions
from oms.domain.identity.accounts import Account, NewAccount
from oms.domain.tokens.commands import issue_token
from oms.domain.vocabulary.actor import Role
from oms.domain.vocabulary.ids import parse_order
from oms.platform.db import Database
from oms.platform.listening import listen, port_of
from oms.platform.settings import Settings, load_settings
from oms.schema.runtime.context import Context
from oms.schema.runtime.errors import MaskedErrors
from oms.tools.serve import StreamEndingServer
from oms.web.auth.credentials import SessionCookie
from tests.shop import SESSION_RULES

I = Info[Context, None]  # noqa: E741 - short, for it stands in every resolver


@strawberry.type
class Query:
    @strawberry.field
    def viewer(self, info: I) -> str:
        return f"{info.context.viewer.name} {info.context.viewer.role}"

    @strawberry.field
    def echo(self, text: str) -> str:
        return text

    @strawberry.field
    def bug(self) -> str | None:
        raise ValueError("a secret detail")

    @strawberry.field
    def fatal_bug(self) -> str:
        raise ValueError("a secret detail")

    @strawberry.field
    def forbidden(self) -> str | None:
        raise GraphQLError("Not for you.", extensions={"code": "FORBIDDEN"})

    @strawberry.field
    async def now(self, info: I) -> str:
        async with info.context.db.reading() as conn:
            return str((await conn.execute(text("SELECT clock_timestamp()"))).scalar_one())

    @strawberry.field
    def subscribers(self, info: I) -> int:
        return info.context.live.subscribers  # type: ignore[attr-defined, no-any-return]  # the hub's own count


@strawberry.type
class Mutation:
    @strawberry.mutation
    async def act(self, info: I, note: str, seconds: float = 0) -> str:
        """Returns how often it was executed, as its subject."""

        async def count() -> str:
            Mutation.acts += 1  # type: ignore[attr-defined]
            await asyncio.sleep(seconds)
            return f"{note} {Mutation.acts}"  # type: ignore[attr-defined]

        async with info.context.db.transaction() as tx:
            return str(await once(tx, info.context.viewer, info.context.repeat, count))


Mutation.acts = 0  # type: ignore[attr-defined]


@strawberry.type
class Subscription:
    @strawberry.subscription
    async def count(self, to: int) -> AsyncIterator[int]:
        for number in range(to):
            yield number

    @strawberry.subscription
    async def pages(self, length: int) -> AsyncIterator[str]:
        """Endless, each of `length` characters."""
        while True:
            yield "x" * length
            await asyncio.sleep(0)

    @strawberry.subscription
    async def order(self, info: I, order_id: str) -> AsyncIterator[int]:
        """The order's latest event number, after every change."""
        order = parse_order(order_id)
        assert order
        async for _ in info.context.live.order(order):
            yield await _last_seq(info.context.db, order)

    @strawberry.subscription
    async def shipments(self, info: I) -> AsyncIterator[str]:
        async for change in info.context.live.shipments():
            yield f"{change.order_id.hex} {change.number} {' '.join(sorted(change.statuses))}"

    @strawberry.subscription
    async def fraud_settings(self, info: I) -> AsyncIterator[int]:
        async for _ in info.context.live.fraud_settings():
            async with info.context.db.reading() as conn:
                yield (await conn.execute(text("SELECT (limits->>'USD')::bigint FROM fraud_settings"))).scalar_one()

    @strawberry.subscription
    async def bug(self) -> AsyncIterator[int]:
        yield 1
        raise ValueError("a secret detail")


async def _last_seq(db: Database, order: UUID) -> int:
    async with db.reading() as conn:
        found = await conn.execute(
            text("SELECT coalesce(max(seq), 0) FROM order_events WHERE order_id = :id"), {"id": order}
        )
        return int(found.scalar_one())


SMALL_SCHEMA = strawberry.Schema(Query, Mutation, Subscription, extensions=[MaskedErrors])


@dataclass(frozen=True, slots=True)
class Server:
    """A running web process: where it listens, and its application."""

    url: str
    app: Starlette
    stop: Callable[[], None]

    @property
    def graphql(self) -> str:
        return f"{self.url}/graphql"

    @property
    def websocket(self) -> str:
        return f"{self.url.replace('http', 'ws', 1)}/graphql"


@contextmanager
def serving(settings: Settings, schema: strawberry.Schema = SMALL_SCHEMA) -> Iterator[Server]:
    """The application served by uvicorn in a thread of its own, stopped as `python -m oms web` stops."""
    app = build_app(settings, schema)
    listening = listen("127.0.0.1", 0, variable="OMS_PORT")
    server = StreamEndingServer(app, trusted_proxies=settings.trusted_proxies)
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listening]})
    thread.start()

    def stop() -> None:
        server.should_exit = True
        thread.join(15)

    try:
        while not server.started:
            thread.join(0.01)
            assert thread.is_alive(), "the server did not start"
        yield Server(f"http://127.0.0.1:{port_of(listening)}", app, stop)
    finally:
        stop()
        listening.close()
        assert not thread.is_alive()


@pytest.fixture(scope="session")
def web_settings(database_url: str, redis_url: str) -> Settings:
    return load_settings(database_url=database_url, redis_url=redis_url, database_pool_size=5)


@pytest.fixture(scope="session")
def server(web_settings: Settings) -> Iterator[Server]:
    with serving(web_settings) as running:
        yield running


@pytest.fixture(scope="session")
async def db(database_url: str) -> AsyncIterator[Database]:
    """The tests' own connections, whose commits notify nobody."""
    database = Database(database_url, pool_size=5, notify=lambda _news: None)
    yield database
    await database.close()


@pytest.fixture(scope="module")
async def token(db: Database) -> str:
    """New for each module, because emptying the database deletes tokens."""
    return await issued(db)


async def issued(db: Database, name: str = "tester", role: Role = Role.SUPPORT) -> str:
    async with db.transaction() as tx:
        return await issue_token(tx, role=role, name=name, customer_reference=None, days=None)


NO_TLS = False
"""For clients of these servers: httpx reads all certificates of the machine for each client, which takes 30 ms."""

DEMO_COOKIE = SessionCookie(secure=False)
COOKIE = SessionCookie(secure=True)


async def account_of(db: Database, viewer: Viewer, *, password: str | None = None) -> Account:
    """A new account; without `password` it can't sign in with one."""
    new = NewAccount(
        f"{viewer.name}-{secrets.token_hex(4)}".replace(" ", "-"), viewer.name, viewer.role, viewer.customer_reference
    )
    password_hash = await passwords.hashed(password) if password else "nobody's"
    async with db.transaction() as tx:
        return await accounts.add(tx, OPERATOR, new, password_hash)


async def session_of(db: Database, viewer: Viewer) -> str:
    """The cookie's value of a new viewer's session."""
    account = await account_of(db, viewer)
    async with db.transaction() as tx:
        secret = await sessions.start(tx, account, SESSION_RULES, by="password")
    assert secret
    return secret


@pytest.fixture(scope="module")
async def session(db: Database) -> str:
    """The secret of a supporter's session, new for each module like the token."""
    return await session_of(db, Viewer("tester", Role.SUPPORT))


@pytest.fixture
async def client(server: Server, token: str) -> AsyncIterator[httpx.AsyncClient]:
    headers = {"Authorization": f"Bearer {token}"}
    async with httpx.AsyncClient(base_url=server.url, headers=headers, timeout=20, verify=NO_TLS) as client:
        yield client


async def until(holds: Callable[[], bool | Awaitable[bool]], *, within_s: float = 5) -> None:
    """Polls until the condition holds; fails after `within_s`."""
    async with asyncio.timeout(within_s):
        while True:
            held = holds()
            if held if isinstance(held, bool) else await held:
                return
            await asyncio.sleep(0.02)


async def subscribers(client: httpx.AsyncClient) -> int:
    """How many subscriptions the server's hub has."""
    answer = await client.post("/graphql", json={"query": "{ subscribers }"})
    return int(answer.json()["data"]["subscribers"])


async def until_subscribed_by(client: httpx.AsyncClient, count: int) -> None:
    async def is_so() -> bool:
        return await subscribers(client) == count

    await until(is_so)
