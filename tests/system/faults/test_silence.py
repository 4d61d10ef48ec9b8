"""Real processes while others are silent: they stop in bounded time, and what one order holds delays no other."""

import asyncio
import os
import signal
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import httpx
import pytest

from oms.domain.order.storage.load import lock
from oms.domain.tokens.commands import issue_token
from oms.domain.vocabulary.actor import Role
from oms.tools.dev_services.embedded.ports import free_port
from tests.shop import ShopUnderTest, open_shop
from tests.system.faults.deployment import Program, Web
from tests.system.faults.link import HOST, Link
from tests.web.conftest import NO_TLS, until

CANCEL = "mutation ($id: ID!) { cancelOrder(orderId: $id) { order { status } userErrors { code } } }"


@dataclass
class Processes:
    """A web and a worker process of a shop, and the links over which they reach everything else."""

    shop: ShopUnderTest
    links: list[Link]
    web: Web
    worker: Program
    token: str

    async def cancel(self, order_id: Any) -> Any:
        headers = {"authorization": f"Bearer {self.token}"}
        body = {"query": CANCEL, "variables": {"id": f"ord_{order_id.hex}"}}
        async with httpx.AsyncClient(headers=headers, timeout=40, verify=NO_TLS) as client:
            return (await client.post(f"http://{HOST}:{self.web.port}/graphql", json=body)).json()


@pytest.fixture
async def processes(database_url: str, redis_url: str, tmp_path: Path) -> AsyncIterator[Processes]:
    async with AsyncExitStack() as stack:
        shop = await stack.enter_async_context(open_shop(database_url, tmp_path))
        database, over_database = await stack.enter_async_context(_link_to(database_url))
        redis, over_redis = await stack.enter_async_context(_link_to(redis_url))
        providers = await stack.enter_async_context(_silent())
        environment = dict(os.environ) | {
            "OMS_DATABASE_URL": over_database,
            "OMS_REDIS_URL": over_redis,
            "OMS_PROVIDERS_URL": f"http://{HOST}:{providers}",
            "OMS_STOP_TIMEOUT_S": "10",
            "OMS_LOG_FORMAT": "json",
        }
        async with shop.db.transaction() as tx:
            token = await issue_token(tx, role=Role.SUPPORT, name="support", customer_reference=None, days=None)
        web = Web("web", "web", environment | {"OMS_PORT": str(free_port(0))}, tmp_path / "web.log", 0)
        web.port = int(web._environment["OMS_PORT"])
        worker = Program("worker", "worker", environment, tmp_path / "worker.log", 0)
        for program in (web, worker):
            program.start()
            stack.callback(program.kill)
        await web.until_ready()

        async def works() -> bool:
            return bool(await shop.rows("SELECT name FROM workers WHERE cardinality(listening) > 0"))

        await until(works, within_s=60)
        yield Processes(shop, [database, redis], web, worker, token)


@asynccontextmanager
async def _link_to(url: str) -> AsyncIterator[tuple[Link, str]]:
    address = urlsplit(url)
    link = Link(lambda: [address.port or 0])
    await link.open()
    try:
        yield link, address._replace(netloc=address.netloc.replace(f":{address.port}", f":{link.port}")).geturl()
    finally:
        link.close()


@asynccontextmanager
async def _silent() -> AsyncIterator[int]:
    """The port of providers that accept connections and answer nothing."""

    async def listen(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read()
        writer.close()

    async with await asyncio.start_server(listen, HOST, 0) as server:
        yield int(server.sockets[0].getsockname()[1])


async def test_processes_stop_although_nobody_answers_them(processes: Processes) -> None:
    shop = processes.shop
    await shop.stock_up({"MUG": {"A": 5}})
    await shop.place({"MUG": 1})

    async def calls() -> bool:
        return bool(await shop.rows("SELECT 1 FROM work WHERE queue = 'billing' AND claim IS NOT NULL"))

    await until(calls, within_s=30)  # a call to the silent providers is under way
    for link in processes.links:
        link.hold()
    ended = (processes.web.end(within_s=60), processes.worker.end(within_s=60))
    await asyncio.gather(*ended)


async def test_presses_on_a_locked_order_delay_no_other_order(processes: Processes) -> None:
    """More of them than the pool has connections."""
    shop = processes.shop
    await shop.stock_up({"MUG": {"A": 5}})
    locked, *others = [await shop.place({"MUG": 1}) for _ in range(4)]
    async with shop.db.transaction() as tx:
        await lock(tx, [locked])
        presses = [asyncio.create_task(processes.cancel(locked)) for _ in range(14)]
        await asyncio.sleep(0.5)
        async with asyncio.timeout(20):
            answers = [await processes.cancel(other) for other in others]
        assert [answer["data"]["cancelOrder"]["userErrors"] for answer in answers] == [[]] * 3
        assert not any(press.done() for press in presses)
    done = [answer["data"]["cancelOrder"] for answer in await asyncio.gather(*presses)]
    assert {each["order"]["status"] for each in done if each["order"]} == {"CANCELLED"}


async def test_a_worker_that_is_stopped_within_an_allocation_delays_no_other_order(processes: Processes) -> None:
    """It holds its orders' rows and their stock; orders that it does not hold are placed and cancelled."""
    shop = processes.shop
    await shop.stock_up({f"SKU-{number}": {"A": 10_000} for number in range(50)})
    free = [await shop.place({"SKU-0": 1}) for _ in range(3)]
    await shop.run()
    held = await _stop_within_a_transaction(processes)
    try:
        async with asyncio.timeout(20):
            answers = [await processes.cancel(order) for order in free]
        assert [answer["data"]["cancelOrder"]["userErrors"] for answer in answers] == [[]] * 3
        assert await _in_transaction(shop, held)
    finally:
        os.kill(processes.worker.pid, signal.SIGCONT)


async def _stop_within_a_transaction(processes: Processes) -> int:
    """Stops the worker while one of its transactions has changed rows; returns the process id of its backend."""
    shop = processes.shop
    for attempt in range(200):
        for number in range(5):
            await shop.place([(f"SKU-{(attempt + number) % 50}", 1), (f"SKU-{(attempt + 7) % 50}", 2)])
        for _ in range(50):
            os.kill(processes.worker.pid, signal.SIGSTOP)
            await asyncio.sleep(0.02)  # what was sent is executed, and the transaction waits for the next statement
            found = await shop.rows(_OPEN)
            if found:
                return int(found[0][0])
            os.kill(processes.worker.pid, signal.SIGCONT)
            await asyncio.sleep(0.002)
    raise AssertionError("the worker was never within a transaction that writes")


_OPEN = """
    SELECT a.pid FROM pg_stat_activity a WHERE a.state = 'idle in transaction' AND a.backend_xid IS NOT NULL
    AND a.pid <> pg_backend_pid()
"""


async def _in_transaction(shop: ShopUnderTest, pid: int) -> bool:
    return (pid,) in await shop.rows(_OPEN)
