"""An unknown outcome is never reported as a failure: the answer says so, and a repeat finds out."""

import asyncio
import random
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

import orjson
import pytest
from sqlalchemy.engine import make_url
from sqlalchemy.exc import DBAPIError

from oms.domain.catalog import commands as catalog
from oms.domain.catalog.model import Product
from oms.domain.tokens.commands import issue_token
from oms.domain.vocabulary.actor import Role
from oms.platform.db import Database
from oms.platform.faults.outages import is_outage
from oms.platform.settings import Settings
from oms.schema.schema import schema
from oms.tools.replay.client.connection import Connections, Reply
from tests.shop import MANAGER
from tests.system.faults.caller import Caller, Ledger
from tests.system.faults.link import HOST, Link, Moment
from tests.system.faults.people import PLACE
from tests.web.conftest import serving

ORDER: dict[str, Any] = {"customerReference": "ana", "lines": [{"sku": "TEA", "quantity": 1}]}
TIMEOUT_S = 1.0


@dataclass(frozen=True, slots=True)
class Cart:
    """A cart and a web process, with links to the web process and from there to the database."""

    token: str
    to_web: Link
    to_database: Link
    database: Database

    async def place(self, reference: str) -> Reply:
        headers = {"authorization": f"Bearer {self.token}", "content-type": "application/json"}
        body = orjson.dumps({"query": PLACE, "variables": {"input": ORDER | {"reference": reference}}})
        async with Connections(f"http://{HOST}:{self.to_web.port}", 20) as connections:
            return await connections.post("/graphql", headers, body)

    async def placed(self, reference: str) -> int:
        async with self.database.reading() as conn:
            query = "SELECT count(*) FROM orders WHERE reference = $1"
            return int((await conn.exec_driver_sql(query, (reference,))).scalar_one())


@asynccontextmanager
async def _shop(settings: Settings) -> AsyncIterator[Cart]:
    address = make_url(settings.database_url or "")
    to_database = Link(lambda: [address.port or 0], mark=b"COMMIT;")
    await to_database.open()
    over_link = address.set(host=HOST, port=to_database.port).render_as_string(hide_password=False)
    changes = {"database_url": over_link, "database_timeout_s": TIMEOUT_S}
    database = Database(settings.database_url or "", pool_size=1, notify=lambda _: None)
    async with database.transaction() as tx:
        token = await issue_token(tx, role=Role.SERVICE, name="cart", customer_reference=None, days=None)
        await catalog.upsert_products(tx, MANAGER, [Product("TEA", "Tea", 500, "USD")])
    with serving(settings.model_copy(update=changes), schema) as server:
        port = make_url(server.url).port or 0
        to_web = Link(lambda: [port], mark=b"POST /graphql")
        await to_web.open()
        yield Cart(token, to_web, to_database, database)
        await asyncio.to_thread(server.stop)  # while the links, which run in this loop, still forward
        to_web.close()
    to_database.close()
    await database.close()


@pytest.fixture(scope="module")
async def cart(web_settings: Settings) -> AsyncIterator[Cart]:
    async with _shop(web_settings) as cart:
        yield cart


@pytest.mark.parametrize("moment", Moment)
async def test_a_cut_during_commit_is_reported_as_an_unknown_outcome(cart: Cart, moment: Moment) -> None:
    reference = f"commit-{moment.name}"
    cart.to_database.cut_next([moment])
    reply = await cart.place(reference)
    assert reply.status == 503
    [error] = orjson.loads(reply.body)["errors"]
    assert error["extensions"]["code"] == "UNAVAILABLE"
    assert "may or may not have taken effect. Send it again" in error["message"]
    if moment is not Moment.DURING:
        assert await cart.placed(reference) == (moment is Moment.AFTER)
    again = orjson.loads((await cart.place(reference)).body)["data"]["placeOrder"]
    assert (again["userErrors"], await cart.placed(reference)) == ([], 1)


async def _place_until_answered(cart: Cart, reference: str) -> str:
    """The order's id. On a busy machine the database may take longer than the short timeout of these tests."""
    async with asyncio.timeout(60):
        while (reply := await cart.place(reference)).status == 503:
            pass
    placed: str = orjson.loads(reply.body)["data"]["placeOrder"]["order"]["id"]
    return placed


@pytest.mark.parametrize("moment", Moment)
async def test_a_client_that_was_cut_off_finds_out_by_repeating(cart: Cart, moment: Moment) -> None:
    reference = f"client-{moment.name}"
    cart.to_web.cut_next([moment])
    with pytest.raises(OSError, match=r"closed|reset"):
        await cart.place(reference)
    first, second = await _place_until_answered(cart, reference), await _place_until_answered(cart, reference)
    assert (first == second, await cart.placed(reference)) == (True, 1)


async def test_a_dead_connection_to_the_database_times_out(cart: Cart) -> None:
    """Neither an answer nor an end of the connection arrives; the waiting request fails, the next one reconnects."""
    assert (await cart.place("before")).status == 200
    cart.to_database.hold()
    waiting = asyncio.create_task(cart.place("lost"))
    await asyncio.sleep(0.2)
    cart.to_database.abandon()
    reply = await asyncio.wait_for(waiting, 10 * TIMEOUT_S)
    assert (reply.status, orjson.loads(reply.body)["errors"][0]["extensions"]["code"]) == (503, "UNAVAILABLE")
    caller = Caller("cart", f"http://{HOST}:{cart.to_web.port}", cart.token, Ledger(), random.Random(1))
    answer = await caller.request(PLACE, {"input": ORDER | {"reference": "lost"}})
    await caller.close()
    assert (answer.refusals, await cart.placed("lost")) == ((), 1)


async def test_an_idle_transaction_releases_its_locks(web_settings: Settings) -> None:
    """A frozen process delays others no longer than the timeout."""
    url = web_settings.database_url or ""
    frozen = Database(url, pool_size=1, notify=lambda _: None, timeout_s=TIMEOUT_S)
    other = Database(url, pool_size=1, notify=lambda _: None)
    try:
        with pytest.raises(DBAPIError) as ended:  # noqa: PT012 - the transaction ends inside
            async with frozen.transaction() as tx:
                await tx.conn.exec_driver_sql("SELECT * FROM fraud_settings FOR UPDATE")
                async with asyncio.timeout(10 * TIMEOUT_S), other.transaction() as second:
                    await second.conn.exec_driver_sql("SELECT * FROM fraud_settings FOR UPDATE")
                await tx.conn.exec_driver_sql("SELECT 1")
        assert is_outage(ended.value)  # however the driver notices it
        async with frozen.transaction() as tx:
            assert (await tx.conn.exec_driver_sql("SELECT 1")).scalar_one() == 1
    finally:
        await frozen.close()
        await other.close()
