"""Allowed hosts: a page of another site whose name points here (DNS rebinding) is refused."""

import socket
from collections.abc import Iterator

import httpx
import pytest
from websockets.asyncio.client import connect
from websockets.exceptions import InvalidStatus
from websockets.typing import Origin

from oms.platform.settings import Settings, SettingsInvalid, load_settings
from oms.web.server.hosts import is_allowed_host
from tests.web.conftest import Server, serving

NAMES = frozenset({"localhost", "orders.example.com"})


@pytest.fixture(scope="module")
def named(web_settings: Settings) -> Iterator[Server]:
    with serving(web_settings.model_copy(update={"allowed_hosts": ("orders.example.com",)})) as running:
        yield running


@pytest.mark.parametrize(
    "host",
    [
        "localhost", "localhost:8000", "LOCALHOST", "orders.example.com", "Orders.Example.com:443",
        "orders.example.com.", "127.0.0.1:8000", "192.168.7.20", "[::1]:8000", "[fe80::1]", None,
    ],
)  # fmt: skip
def test_own_names_and_addresses_are_allowed(host: str | None) -> None:
    assert is_allowed_host(host, NAMES)


@pytest.mark.parametrize(
    "host",
    [
        "", "evil.example", "orders.example.com.evil.example", "xorders.example.com", "localhost.evil.example",
        "127.0.0.1.evil.example", "evil.example:8000", "orders.example.com@evil.example", "orders.example.com/evil",
        "localhost evil.example", "[::1].evil.example", "127.0.0.1:80:80", ":8000", "[evil.example]",
    ],
)  # fmt: skip
def test_other_hosts_are_refused(host: str) -> None:
    assert not is_allowed_host(host, NAMES)


@pytest.mark.parametrize("path", ["/", "/graphql", "/static/console.css", "/health", "/nothing"])
async def test_the_refusal_of_another_host_names_the_setting(named: Server, path: str) -> None:
    async with httpx.AsyncClient(base_url=named.url) as client:
        answer = await client.get(path, headers={"Host": "evil.example"})
        assert answer.status_code == 421
        assert "OMS_ALLOWED_HOSTS" in answer.json()["errors"][0]["message"]
        for own in ("orders.example.com", "localhost:1234"):
            assert (await client.get(path, headers={"Host": own})).status_code != 421


async def test_a_page_of_another_host_gets_no_websocket_by_its_own_origin(named: Server) -> None:
    """DNS rebinding: Host and Origin agree, and both are the attacker's."""
    port = httpx.URL(named.url).port
    origin = f"evil.example:{port}"
    with socket.create_connection(("127.0.0.1", port)) as connection, pytest.raises(InvalidStatus) as refusal:
        await connect(f"ws://{origin}/graphql", sock=connection, origin=Origin(f"http://{origin}"))
    assert refusal.value.response.status_code == 421
    assert refusal.value.response.headers["X-Content-Type-Options"] == "nosniff"


@pytest.mark.parametrize("name", ["*", "http://orders.example.com", "orders.example.com:443", "Orders.example.com", ""])
def test_an_invalid_host_name_prevents_the_start(name: str) -> None:
    with pytest.raises(SettingsInvalid, match="OMS_ALLOWED_HOSTS"):
        load_settings(allowed_hosts=f"localhost,{name}")
