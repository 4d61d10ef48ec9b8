"""Many callers repeat requests at two web processes: each reference places one order, each key takes effect once."""

import asyncio
import os
import random
from collections import Counter
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from oms.domain.catalog import commands as catalog
from oms.domain.catalog.model import Product
from oms.domain.tokens.commands import issue_token
from oms.domain.vocabulary.actor import Role
from oms.platform.db import Database
from oms.platform.settings import Settings
from oms.tools.dev_services.embedded.ports import free_port
from tests.shop import MANAGER
from tests.system.faults.caller import Caller, Ledger
from tests.system.faults.deployment import Web
from tests.system.faults.link import HOST
from tests.system.faults.people import CANCEL, PLACE

CROWD = 200
ORDER: dict[str, Any] = {"customerReference": "ana", "lines": [{"sku": "TEA", "quantity": 1}]}


@pytest.fixture(scope="module")
async def database(web_settings: Settings) -> AsyncIterator[Database]:
    database = Database(web_settings.database_url or "", pool_size=2, notify=lambda _: None)
    yield database
    await database.close()


@pytest.fixture(scope="module")
async def crowd(web_settings: Settings, database: Database, tmp_path_factory: Any) -> AsyncIterator[list[Caller]]:
    """Callers with the same token, half of them at each web process."""
    folder: Path = tmp_path_factory.mktemp("storm")
    settings = {"OMS_DATABASE_URL": web_settings.database_url or "", "OMS_REDIS_URL": web_settings.redis_url or ""}
    webs = []
    for number in range(2):
        port = free_port(0)
        environment = dict(os.environ) | settings | {"OMS_PORT": str(port)}
        webs.append(Web(f"web-{number}", "web", environment, folder / f"web-{number}.log", port))
        webs[-1].start()
    async with database.transaction() as tx:
        token = await issue_token(tx, role=Role.SERVICE, name="storm", customer_reference=None, days=None)
        await catalog.upsert_products(tx, MANAGER, [Product("TEA", "Tea", 500, "USD")])
    ledger = Ledger()
    callers = [
        Caller("storm", f"http://{HOST}:{webs[number % 2].port}", token, ledger, random.Random(number))
        for number in range(CROWD)
    ]
    try:
        await asyncio.gather(*(web.until_ready() for web in webs))
        yield callers
        assert ledger.violations == []
    finally:
        for caller in callers:
            await caller.close()
        for web in webs:
            web.kill()


async def _count(database: Database, query: str, value: str) -> int:
    async with database.reading() as conn:
        return int((await conn.exec_driver_sql(query, (value,))).scalar_one())


async def test_two_hundred_repeats_of_one_reference_place_one_order(crowd: list[Caller], database: Database) -> None:
    order = ORDER | {"reference": "storm-1"}
    answers = await asyncio.gather(*(caller.request(PLACE, {"input": order}) for caller in crowd))
    assert Counter(answer.refusals for answer in answers) == {(): CROWD}
    assert len({answer.payload["order"]["id"] for answer in answers}) == 1
    assert await _count(database, "SELECT count(*) FROM orders WHERE reference = $1", "storm-1") == 1


async def test_of_two_contents_under_one_reference_one_is_placed(crowd: list[Caller], database: Database) -> None:
    orders = [ORDER | {"reference": "storm-2", "lines": [{"sku": "TEA", "quantity": n}]} for n in (1, 2)]
    answers = await asyncio.gather(
        *(caller.request(PLACE, {"input": orders[n % 2]}) for n, caller in enumerate(crowd[1:]))
    )
    refused = {n % 2 for n, answer in enumerate(answers) if answer.refusals}
    assert {answer.refusals for answer in answers} == {(), ("DUPLICATE",)}
    assert len(refused) == 1, "all requests with one content were accepted, all with the other refused"
    assert await _count(database, "SELECT count(*) FROM orders WHERE reference = $1", "storm-2") == 1


async def test_two_hundred_repeats_under_one_key_cancel_once(crowd: list[Caller], database: Database) -> None:
    order = ORDER | {"reference": "storm-3"}
    order_id = (await crowd[0].request(PLACE, {"input": order})).payload["order"]["id"]
    answers = await asyncio.gather(*(caller.request(CANCEL, {"id": order_id}, key="cancel-3") for caller in crowd))
    assert {answer.refusals for answer in answers} == {()}
    query = """SELECT count(*) FROM order_events e JOIN orders o ON o.id = e.order_id
               WHERE o.reference = $1 AND e.type = 'OrderCancelled'"""
    assert await _count(database, query, "storm-3") == 1
