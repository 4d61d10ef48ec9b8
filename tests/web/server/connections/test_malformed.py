"""Malformed requests are counted one by one, and logged together."""

import re

import httpx
import pytest
from prometheus_client import CollectorRegistry
from structlog.testing import capture_logs

from oms.web.server.connections import malformed
from oms.web.server.connections.malformed import MalformedRequests
from tests.web.conftest import Server
from tests.web.server.connections.test_http import HEALTH, opened, rest


@pytest.fixture
def registry() -> CollectorRegistry:
    return CollectorRegistry()


def counted(registry: CollectorRegistry) -> float | None:
    return registry.get_sample_value("oms_malformed_requests_total")


def test_at_most_one_line_is_logged_in_an_interval(registry: CollectorRegistry) -> None:
    now = iter([0.0, 0.0, *[1.0] * 98, malformed.LOG_INTERVAL_S, malformed.LOG_INTERVAL_S])
    requests = MalformedRequests(registry, clock=lambda: next(now))
    with capture_logs() as lines:
        for _ in range(100):
            requests.count("no HTTP")
    assert [line["requests"] for line in lines] == [1, 99]
    assert counted(registry) == 100


HANDSHAKE = (
    b"GET /graphql HTTP/1.1\r\nHost: localhost\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
    b"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
    b"Sec-WebSocket-Protocol: graphql-transport-ws\r\n"
)
PING = b"\x89\x80\x00\x00\x00\x00"


@pytest.mark.parametrize(
    "sent",
    [
        b"\x16\x03\x01 a client that speaks TLS\r\n\r\n",
        HEALTH + b"X Y: z\r\n\r\n",
        HANDSHAKE + b"X: y\r\n" * 200 + b"\r\n",
    ],
    ids=["no HTTP", "bad header", "200 headers"],
)
async def test_a_malformed_request_is_counted_and_refused(
    server: Server, client: httpx.AsyncClient, sent: bytes
) -> None:
    before = await malformed_requests(client)
    async with opened(server) as (reader, writer):
        writer.write(sent)
        assert (await rest(reader)).startswith(b"HTTP/1.1 4")
    assert await malformed_requests(client) == before + 1


@pytest.mark.parametrize(
    "sent",
    [
        b"\x81\x82\x00\x00\x00\x00\xff\xff",
        PING * 2_000,
        b"\x81\xff\x00\x00\x00\x00\x00\x10\x00\x00" + bytes(4),
        b"\x01\x80\x00\x00\x00\x00" + b"\x00\x80\x00\x00\x00\x00" * 2_000,
    ],
    ids=["no UTF-8", "many pings", "a long message", "many fragments"],
)
async def test_a_websocket_that_exceeds_a_bound_is_counted_and_closed(
    server: Server, client: httpx.AsyncClient, sent: bytes
) -> None:
    before = await malformed_requests(client)
    async with opened(server) as (reader, writer):
        writer.write(HANDSHAKE + b"\r\n")
        assert (await reader.readuntil(b"\r\n\r\n")).startswith(b"HTTP/1.1 101")
        writer.write(sent)
        await rest(reader)
    assert await malformed_requests(client) == before + 1


async def test_an_upgrade_to_another_protocol_is_answered_without_it(server: Server) -> None:
    async with opened(server) as (reader, writer):
        writer.write(HEALTH + b"Connection: Upgrade\r\nUpgrade: h2c\r\n\r\n")
        assert (await reader.readuntil(b"}")).startswith(b"HTTP/1.1 200")
        writer.write(HEALTH + b"\r\n")
        assert (await reader.readuntil(b"}")).startswith(b"HTTP/1.1 200")


async def malformed_requests(client: httpx.AsyncClient) -> float:
    metrics = (await client.get("/metrics")).text
    return float(re.search(r"^oms_malformed_requests_total (\S+)", metrics, re.MULTILINE)[1])  # type: ignore[index]
