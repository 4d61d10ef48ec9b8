"""The whole product on one database: a web process, a worker's consumers, and clients of every role over HTTP."""

from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final
from unittest import mock

import httpx

from benchmarks.load.catalogue import CURRENCY, FAR, IN_THE_OTHER_WAREHOUSE_FROM, NEAR, SKUS, customer, sku
from oms.domain.access.permissions import Viewer
from oms.domain.tokens.commands import issue_token
from oms.domain.vocabulary.actor import Role
from oms.jobs.consumer import Consumer
from oms.platform.settings import load_settings
from oms.schema.schema import schema
from tests.shop import ShopUnderTest, open_shop
from tests.web.conftest import COOKIE, serving, session_of

BUYER: Final = customer(1)
"""Has old orders, if there are any."""

RARE: Final = "RARE"
"""A SKU with too few units."""

REREAD_EVERY_S: Final = 0.1
"""Of the event log, for live streams: shorter than in production, because the tests wait for it."""

_UNITS: Final = 1_000_000


@dataclass(frozen=True, slots=True)
class HotShop:
    """`clients` by role; `browser`: of a customer who signed in."""

    shop: ShopUnderTest
    clients: Mapping[Role, httpx.AsyncClient]
    browser: httpx.AsyncClient

    async def request(self, role: Role, document: str, *, key: str | None = None, **variables: Any) -> Any:
        """The value of the only root field. Fails if the request was refused."""
        headers = {"Idempotency-Key": f'"{key}"'} if key else {}
        body = {"query": document, "variables": variables}
        answer = (await self.clients[role].post("/graphql", json=body, headers=headers)).json()
        assert "errors" not in answer, answer
        [value] = answer["data"].values()
        assert not (isinstance(value, dict) and value.get("userErrors")), value
        return value

    async def work(self, queue: str) -> None:
        """As a worker of that queue does, until none of its work is due."""
        consumer = Consumer(self.shop.work, (queue,))
        await consumer.wake(queue)
        await consumer.finish()


@asynccontextmanager
async def open_hot_shop(database_url: str, redis_url: str, folder: Path) -> AsyncIterator[HotShop]:
    """With a full catalogue, plenty of stock, and no orders."""
    settings = load_settings(database_url=database_url, redis_url=redis_url, database_pool_size=5)
    async with AsyncExitStack() as stack:
        shop = await stack.enter_async_context(open_shop(database_url, folder))
        await _stock_up(shop)
        stack.enter_context(mock.patch("oms.web.live.hub.REREAD_EVERY_S", REREAD_EVERY_S))
        server = stack.enter_context(serving(settings, schema))

        async def client(**headers: str) -> httpx.AsyncClient:
            return await stack.enter_async_context(
                httpx.AsyncClient(base_url=server.url, headers=headers, timeout=30, follow_redirects=False)
            )

        clients = {
            role: await client(Authorization=f"Bearer {await _token(shop, role)}")
            for role in (Role.SERVICE, Role.COURIER, Role.SUPPORT)
        }
        secret = await session_of(shop.db, Viewer("buyer", Role.CUSTOMER, BUYER))
        yield HotShop(shop, clients, await client(Cookie=f"{COOKIE.name}={secret}"))


async def _stock_up(shop: ShopUnderTest) -> None:
    near = {sku(number): {NEAR: _UNITS} for number in range(1, IN_THE_OTHER_WAREHOUSE_FROM)}
    far = {sku(number): {FAR: _UNITS} for number in range(IN_THE_OTHER_WAREHOUSE_FROM, SKUS + 1)}
    for units in (near, far, {RARE: {NEAR: 1}}):
        await shop.stock_up(units, currency=CURRENCY)


async def _token(shop: ShopUnderTest, role: Role) -> str:
    async with shop.db.transaction() as tx:
        return await issue_token(tx, role=role, name=role.lower(), customer_reference=None, days=1)
