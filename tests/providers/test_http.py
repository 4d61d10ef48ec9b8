"""The client over HTTP against the real service on loopback: lost answers, timeouts, repeats, invalid requests."""

import asyncio
import os
import signal
import socket
import struct
import subprocess
import sys
import threading
import time
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager, suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

import httpx
import pytest
import uvloop

from oms.jobs.context import message_of
from oms.platform.settings import load_settings
from oms.providers.choose import providers
from oms.providers.http import HttpProviders
from oms.providers.ports import (
    BillLine,
    BookingRequest,
    ChargeRequest,
    InvoiceRequest,
    KeyReused,
    ProviderUnavailable,
    RefundRequest,
    RequestRejected,
)
from oms.providers.sandbox.call_log import CallLog
from oms.providers.sandbox.rules import SandboxRules
from oms.providers.sandbox.sandbox import Sandbox
from tests.providers.conftest import OpenSandbox, Serve, effects

PROJECT_DIR = Path(__file__).resolve().parents[2]

CHARGE = ChargeRequest(key="c-1", amount_minor=1000, currency="USD", payment_method="sandbox-ok")
REFUND = RefundRequest(key="r-1", charge_key="c-1", amount_minor=400, currency="USD")
BOOKING = BookingRequest(key="shipment/1?a=b", warehouse_code="W-1", units=1, address={"city": "São Paulo"})
INVOICE = InvoiceRequest(key="i-1", currency="USD", lines=(BillLine("A", 2, 999, None), BillLine("B", 1, 5, 1000)))


@asynccontextmanager
async def client_of(url: str, timeout_s: float = 5) -> AsyncIterator[HttpProviders]:
    client = HttpProviders(url, timeout_s=timeout_s)
    try:
        yield client
    finally:
        await client.aclose()


async def test_over_http_every_answer_is_the_same_as_in_process(serve: Serve, tmp_path: Path) -> None:
    rules = SandboxRules(tax_bps=2000, shipping_base_minor=500, shipping_per_unit_minor=50)
    log = CallLog(tmp_path / "in-process.sqlite")
    inside = Sandbox(rules, log)
    async with serve(rules) as url, client_of(url) as outside:
        assert await outside.invoice(INVOICE) == await inside.invoice(INVOICE)
        assert await outside.charge(CHARGE) == await inside.charge(CHARGE)
        declined = replace(CHARGE, key="c-2", payment_method="sandbox-declined")
        assert await outside.charge(declined) == await inside.charge(declined)
        await outside.refund(REFUND)
        assert await outside.book(BOOKING) == await inside.book(BOOKING)
        await outside.release(BOOKING.key)
        await inside.release(BOOKING.key)
        assert await outside.book(BOOKING) == await inside.book(BOOKING)
    log.close()


async def test_a_rejected_request_is_not_repeated(serve: Serve, calls: CallLog) -> None:
    async with serve(SandboxRules()) as url, client_of(url) as client:
        await client.charge(CHARGE)
        with pytest.raises(KeyReused):
            await client.charge(replace(CHARGE, amount_minor=1))
        with pytest.raises(RequestRejected) as rejected:
            await client.refund(replace(REFUND, amount_minor=1001))
    assert rejected.value.code == "REFUND_EXCEEDS_CHARGE"
    assert [call.entry.outcome for call in calls.page()] == ["EFFECT", "REJECTED", "REJECTED"]


async def test_calls_with_lost_answers_are_repeated_and_each_key_is_charged_once(serve: Serve, calls: CallLog) -> None:
    """Some calls exhaust their tries; asked again later, as a worker would, all come to the same single charge."""
    requests = [replace(CHARGE, key=f"c-{n}") for n in range(100)]
    async with serve(SandboxRules(failure_rate=0.5)) as url, client_of(url) as client:
        results = await asyncio.gather(*map(client.charge, requests), return_exceptions=True)
    unknown = [
        request for request, result in zip(requests, results, strict=True) if isinstance(result, ProviderUnavailable)
    ]
    assert 0 < len(unknown) < 40  # an eighth is expected
    async with serve(SandboxRules()) as url, client_of(url) as client:
        answers = await asyncio.gather(*map(client.charge, unknown))
    assert all(answer.succeeded for answer in answers)
    assert sorted(call.entry.key for call in effects(calls, "charge")) == sorted(each.key for each in requests)
    assert any(call.entry.answer_lost for call in calls.page(limit=1000))


async def test_a_silent_call_ends_by_its_timeout_and_the_effect_is_found_later(serve: Serve, calls: CallLog) -> None:
    async with serve(SandboxRules(latency_ms=1000)) as url:
        async with client_of(url, timeout_s=0.6) as hasty:
            with pytest.raises(ProviderUnavailable):  # waiting on, it would have the answer
                await hasty.charge(CHARGE)
        async with client_of(url, timeout_s=10) as patient:
            assert (await patient.charge(CHARGE)).succeeded
    assert len(effects(calls, "charge")) == 1


async def test_two_calls_at_once_under_one_key_both_get_the_one_answer(serve: Serve, calls: CallLog) -> None:
    async with serve(SandboxRules(latency_ms=50)) as url, client_of(url) as client:
        answers = await asyncio.gather(client.charge(CHARGE), client.charge(CHARGE))
    assert answers[0] == answers[1]
    assert len(effects(calls, "charge")) == 1


async def test_a_closed_port_is_unavailable() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listening:
        port = listening.getsockname()[1]
    async with client_of(f"http://127.0.0.1:{port}", timeout_s=0.5) as client:
        with pytest.raises(ProviderUnavailable):
            await client.charge(CHARGE)


def test_a_connection_reset_while_opening_is_unavailable() -> None:
    """On uvloop, as in a worker: there such a connection once looked like a fault of ours."""

    async def call_all(port: int) -> None:
        async with client_of(f"http://127.0.0.1:{port}", timeout_s=2) as client:
            calls = (client.charge(replace(CHARGE, key=f"c-{number}")) for number in range(100))
            ended = await asyncio.gather(*calls, return_exceptions=True)
            assert {type(end) for end in ended} == {ProviderUnavailable}

    with socket.create_server(("127.0.0.1", 0)) as listening:
        threading.Thread(target=_reset_all, args=(listening,), daemon=True).start()
        uvloop.run(call_all(listening.getsockname()[1]))
        listening.shutdown(socket.SHUT_RDWR)


def _reset_all(listening: socket.socket) -> None:
    with suppress(OSError):
        while True:
            connection, _ = listening.accept()
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            connection.close()


@pytest.mark.parametrize(
    "answer",
    [
        b"HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\nhello",
        b'HTTP/1.1 200 OK\r\ncontent-length: 20\r\n\r\n{"succeeded":"maybe"}',
        b"HTTP/1.1 404 Not Found\r\ncontent-length: 0\r\n\r\n",
        b"HTTP/1.1 302 Found\r\nlocation: /elsewhere\r\ncontent-length: 0\r\n\r\n",
        b"HTTP/1.1 200 OK\r\ncontent-length: 500\r\n\r\n{",
        b"nonsense\r\n\r\n",
    ],
)
async def test_an_answer_that_cannot_be_parsed_is_an_unknown_outcome(answer: bytes) -> None:
    async def speak(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(answer)
        await writer.drain()
        writer.close()

    async with await asyncio.start_server(speak, "127.0.0.1", 0) as server:
        port = server.sockets[0].getsockname()[1]
        async with client_of(f"http://127.0.0.1:{port}", timeout_s=1) as client:
            with pytest.raises(ProviderUnavailable):
                await client.charge(CHARGE)


BODY = b'{"amount_minor":1000,"currency":"USD","payment_method":"sandbox-ok"}'


@pytest.mark.parametrize(
    ("headers", "body", "status", "code"),
    [
        ({}, BODY, 400, "KEY_MISSING"),
        ({"Idempotency-Key": '""'}, BODY, 400, "KEY_INVALID"),
        ({"Idempotency-Key": "k" * 256}, BODY, 400, "KEY_INVALID"),
        ({"Idempotency-Key": '"k"'}, b"{", 422, "INVALID"),
        ({"Idempotency-Key": '"k"'}, b"[]", 422, "INVALID"),
        ({"Idempotency-Key": '"k"'}, b'{"amount_minor":"1000"}', 422, "INVALID"),
        ({"Idempotency-Key": '"k"'}, BODY.replace(b"1000", b"-1"), 422, "INVALID"),
    ],
)
async def test_a_bad_request_is_answered_with_a_problem_that_says_which(
    serve: Serve, calls: CallLog, headers: dict[str, str], body: bytes, status: int, code: str
) -> None:
    async with serve(SandboxRules()) as url, httpx.AsyncClient(base_url=url) as client:
        answer = await client.post("/charges", content=body, headers=headers)
    assert (answer.status_code, answer.json()["code"]) == (status, code)
    assert answer.headers["content-type"] == "application/problem+json"
    assert effects(calls, "charge") == []


async def test_a_key_in_use_is_409_and_with_another_body_422(serve: Serve) -> None:
    headers = {"Idempotency-Key": '"k"'}
    async with serve(SandboxRules(latency_ms=300)) as url, httpx.AsyncClient(base_url=url) as client:
        first = asyncio.create_task(client.post("/charges", content=BODY, headers=headers))
        await asyncio.sleep(0.1)
        second = await client.post("/charges", content=BODY, headers=headers)
        assert (second.status_code, second.json()["code"]) == (409, "KEY_IN_USE")
        assert (await first).status_code == 200
        other = await client.post("/charges", content=BODY.replace(b"1000", b"1001"), headers=headers)
        assert (other.status_code, other.json()["code"]) == (422, "KEY_REUSED")


async def test_the_log_can_be_read_page_by_page_from_outside(serve: Serve) -> None:
    async with serve(SandboxRules()) as url, client_of(url) as shop:
        for n in range(5):
            await shop.charge(replace(CHARGE, key=f"c-{n}"))
            await shop.charge(replace(CHARGE, key=f"d-{n}"))
        async with httpx.AsyncClient(base_url=url) as auditor:
            seen: list[dict[str, Any]] = []
            page: dict[str, Any] = {"next_after": 0}
            while page["next_after"] is not None:
                query = {"after": page["next_after"], "limit": 2, "key_prefix": "c-"}
                page = (await auditor.get("/calls", params=query)).json()
                seen += page["calls"]
            assert (await auditor.get("/calls", params={"limit": 0})).status_code == 400
            assert (await auditor.get("/health")).json() == {"status": "ok"}
    assert [call["key"] for call in seen] == [f"c-{n}" for n in range(5)]
    assert seen[0]["request"] == {"amount_minor": 1000, "currency": "USD", "payment_method": "sandbox-ok"}
    assert seen[0]["answer"] == {"succeeded": True, "reason": None}


async def test_a_service_killed_before_its_answer_has_charged_once(log_path: Path, calls: CallLog) -> None:
    """A kill -9 while the answer is on its way; a new service on the same folder knows what the old one did."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        port = listening.getsockname()[1]
    url = f"http://127.0.0.1:{port}"
    async with client_of(url, timeout_s=30) as client:
        with service(log_path.parents[1], port, latency_ms=2000) as first:
            await wait_for(lambda: is_up(url))
            charging = asyncio.create_task(client.charge(CHARGE))
            await wait_for(lambda: len(calls.page()) == 1)
            first.send_signal(signal.SIGKILL)
        with service(log_path.parents[1], port, latency_ms=0) as second:
            await wait_for(lambda: is_up(url))
            try:
                answer = await charging
            except ProviderUnavailable:  # its three tries were over before the new service was up
                answer = await client.charge(CHARGE)
            second.terminate()
            assert second.wait(timeout=10) in (0, -signal.SIGTERM)
    assert answer.succeeded
    assert [call.entry.outcome for call in calls.page()] == ["EFFECT", "REPEAT"]


@contextmanager
def service(data_dir: Path, port: int, latency_ms: int) -> Iterator[subprocess.Popen[bytes]]:
    environment = {
        "OMS_DATA_DIR": str(data_dir),
        "OMS_SANDBOX_PORT": str(port),
        "OMS_SANDBOX_LATENCY_MS": str(latency_ms),
    }
    command = [sys.executable, "-m", "oms", "sandbox"]
    with subprocess.Popen(command, cwd=PROJECT_DIR, env=os.environ | environment) as process:
        try:
            yield process
        finally:
            process.kill()


def is_up(url: str) -> bool:
    try:
        return httpx.get(f"{url}/health").is_success
    except httpx.TransportError:
        return False


async def wait_for(holds: Callable[[], bool]) -> None:
    give_up_at_s = time.monotonic() + 20
    while not holds():
        assert time.monotonic() < give_up_at_s
        await asyncio.sleep(0.05)


@pytest.mark.parametrize("over_http", [False, True])
async def test_settings_choose_the_provider(serve: Serve, tmp_path: Path, over_http: bool) -> None:
    async with serve(SandboxRules()) as url:
        chosen = providers(load_settings(data_dir=tmp_path / "chosen", providers_url=url if over_http else None))
        assert (await chosen.billing.charge(CHARGE)).succeeded
        assert (await chosen.courier.book(BOOKING)).accepted
        await chosen.aclose()
    assert (tmp_path / "chosen" / "sandbox" / "sandbox.sqlite").exists() is not over_http


async def test_the_service_and_workers_may_share_one_file(serve: Serve, open_sandbox: OpenSandbox) -> None:
    async with serve(SandboxRules()) as url, client_of(url) as client:
        await asyncio.gather(client.charge(CHARGE), open_sandbox().charge(CHARGE))
        with pytest.raises(KeyReused):
            await client.charge(replace(CHARGE, amount_minor=5))


async def test_an_answer_with_nul_in_its_text_can_be_stored() -> None:
    """PostgreSQL stores no NUL: without this, a charge that took effect could never be recorded."""

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"}")
        body = rb'{"succeeded": false, "reason": "CARD\u0000_DECLINED"}'
        head = b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: %d\r\n\r\n" % len(body)
        writer.write(head + body)
        await writer.drain()
        writer.close()

    async with await asyncio.start_server(answer, "127.0.0.1", 0) as server:
        port = server.sockets[0].getsockname()[1]
        async with client_of(f"http://127.0.0.1:{port}") as client:
            declined = await client.charge(CHARGE)
    assert (declined.succeeded, declined.reason) == (False, "CARD_DECLINED")


def test_an_error_with_nul_in_its_text_can_be_stored() -> None:
    assert "\0" not in message_of(RequestRejected("INVALID", "charge: no\0thing"))
