"""/metrics for viewers who may read operations: system metrics from the database, request metrics of this process."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from urllib.parse import urlsplit

import httpx
import pytest
from prometheus_client.parser import text_string_to_metric_families

from oms.domain.tokens.commands import issue_token
from oms.domain.vocabulary.actor import Role
from oms.domain.work import store as work_store
from oms.domain.work.store import Heartbeat
from tests.shop import ShopUnderTest, open_shop
from tests.web.conftest import Server

Figures = dict[tuple[str, tuple[tuple[str, str], ...]], float]


@pytest.fixture
async def shop(database_url: str, tmp_path: Path) -> AsyncIterator[ShopUnderTest]:
    async with open_shop(database_url, tmp_path, failure_rate=1.0, attempts=1) as shop:
        yield shop


async def scrape(server: Server, shop: ShopUnderTest, role: Role = Role.SUPPORT) -> httpx.Response:
    reference = "ana" if role == Role.CUSTOMER else None
    async with shop.db.transaction() as tx:
        token = await issue_token(tx, role=role, name="monitoring", customer_reference=reference, days=None)
    async with httpx.AsyncClient(base_url=server.url, headers={"Authorization": f"Bearer {token}"}) as client:
        return await client.get("/metrics")


async def figures(server: Server, shop: ShopUnderTest) -> Figures:
    answer = await scrape(server, shop)
    assert answer.status_code == 200, answer.text
    samples = [sample for family in text_string_to_metric_families(answer.text) for sample in family.samples]
    return {(sample.name, tuple(sorted(sample.labels.items()))): sample.value for sample in samples}


def of(found: Figures, name: str, **labels: str) -> float:
    return found[name, tuple(sorted(labels.items()))]


async def test_system_metrics_have_work_workers_and_open_orders(server: Server, shop: ShopUnderTest) -> None:
    await shop.stock_up({"MUG": {"A": 5}})
    await shop.place({"MUG": 1})
    await shop.place({"MUG": 1})
    async with shop.db.transaction() as tx:
        await work_store.heartbeat(tx, Heartbeat("a worker", ["billing", "booking"], ["billing"], failures=3))
    await shop.execute("UPDATE work SET due_at = due_at - interval '5 minutes'")
    found = await figures(server, shop)
    assert of(found, "oms_work_due", queue="allocation") == 2
    assert of(found, "oms_work_oldest_due_seconds", queue="allocation") >= 300
    assert of(found, "oms_workers", queue="billing") == 1
    assert of(found, "oms_workers", queue="allocation") == 0
    assert of(found, "oms_workers_silent", queue="billing") == 0
    assert of(found, "oms_workers_silent", queue="booking") == 1
    assert of(found, "oms_worker_failures") == 3
    assert of(found, "oms_orders_open", status="PENDING") == 2
    assert of(found, "oms_standing_still", cause="NO_WORKER") == 2


async def test_parked_work_raises_its_own_metric_only(server: Server, shop: ShopUnderTest) -> None:
    await shop.stock_up({"MUG": {"A": 5}})
    await shop.place({"MUG": 1})
    await shop.run()
    found = await figures(server, shop)
    assert of(found, "oms_work_parked") == 1
    assert of(found, "oms_standing_still", cause="PARKED") == 1
    assert of(found, "oms_standing_still", cause="BACKLOG") == 0


async def test_requests_are_counted_by_area_and_status_and_never_by_invented_names(
    server: Server, shop: ShopUnderTest
) -> None:
    async with httpx.AsyncClient(base_url=server.url) as client:
        await client.post("/graphql", json={"query": "{ viewer }"})
        await client.request("REPORT", "/made-up/by/a/client")
    found = await figures(server, shop)
    assert of(found, "oms_http_requests_total", area="graphql", method="POST", status="401") >= 1
    assert of(found, "oms_http_requests_total", area="other", method="other", status="404") >= 1
    assert of(found, "oms_http_request_seconds_count", area="graphql") >= 1
    assert "made-up" not in str(found)
    assert "REPORT" not in str(found)


@pytest.mark.parametrize("role", [Role.CUSTOMER, Role.COURIER, Role.SERVICE])
async def test_metrics_need_a_permission(server: Server, shop: ShopUnderTest, role: Role) -> None:
    answer = await scrape(server, shop, role)
    assert answer.status_code == 403
    assert "oms_" not in answer.text


async def test_metrics_need_credentials(server: Server) -> None:
    async with httpx.AsyncClient(base_url=server.url) as client:
        answer = await client.get("/metrics")
    assert answer.status_code == 401
    assert "WWW-Authenticate" in answer.headers


async def test_a_request_without_a_path_is_counted(server: Server, shop: ShopUnderTest) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", urlsplit(server.url).port)
    writer.write(b"OPTIONS * HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
    answer = await asyncio.wait_for(reader.read(), 10)
    writer.close()
    assert answer.startswith(b"HTTP/1.1 404 ")
    assert of(await figures(server, shop), "oms_http_requests_total", area="other", method="other", status="404") >= 1
