"""What a provider promises under keys, failures and crashes, kept by the sandbox in process."""

import asyncio
import sqlite3
import stat
import time
from dataclasses import replace
from pathlib import Path
from types import MappingProxyType

import pytest

from oms.providers.ports import (
    BillLine,
    BookingRequest,
    ChargeAnswer,
    ChargeRequest,
    InvoiceRequest,
    KeyReused,
    ProviderUnavailable,
    RefundRequest,
    RequestRejected,
)
from oms.providers.sandbox.call_log import CallLog, Outcome
from oms.providers.sandbox.rules import SandboxRules
from oms.providers.sandbox.sandbox import AnswerLost, Sandbox
from tests.providers.conftest import OpenSandbox, effects

CHARGE = ChargeRequest(key="c-1", amount_minor=1000, currency="USD", payment_method="sandbox-ok")
REFUND = RefundRequest(key="r-1", charge_key="c-1", amount_minor=400, currency="USD")
BOOKING = BookingRequest(key="b-1", warehouse_code="W-1", units=1, address={"city": "Recife", "country": "BR"})
INVOICE = InvoiceRequest(key="i-1", currency="USD", lines=(BillLine("A", 2, 999, None),))


def outcomes(calls: CallLog) -> list[str]:
    return [call.entry.outcome for call in calls.page()]


async def test_a_repeated_call_gets_the_same_answer_and_does_nothing_more(
    open_sandbox: OpenSandbox, calls: CallLog
) -> None:
    sandbox = open_sandbox()
    assert await sandbox.invoice(INVOICE) == await sandbox.invoice(INVOICE)
    assert await sandbox.charge(CHARGE) == await sandbox.charge(CHARGE)
    await sandbox.refund(REFUND)
    await sandbox.refund(REFUND)
    assert await sandbox.book(BOOKING) == await sandbox.book(BOOKING)
    await sandbox.release("b-2")
    await sandbox.release("b-2")
    assert outcomes(calls) == ["EFFECT", "REPEAT"] * 5


async def test_a_decline_stays_a_decline_whatever_the_settings_become(open_sandbox: OpenSandbox) -> None:
    first = await open_sandbox(SandboxRules(decline_rate=1)).charge(CHARGE)
    again = await open_sandbox(SandboxRules(decline_rate=0)).charge(CHARGE)
    assert first == again == ChargeAnswer(succeeded=False, reason="CARD_DECLINED")


async def test_the_same_key_with_another_request_is_an_error_and_does_nothing(
    open_sandbox: OpenSandbox, calls: CallLog
) -> None:
    sandbox = open_sandbox()
    await sandbox.charge(CHARGE)
    with pytest.raises(KeyReused):
        await sandbox.charge(replace(CHARGE, amount_minor=1001))
    assert await sandbox.charge(CHARGE) == ChargeAnswer(succeeded=True, reason=None)
    assert outcomes(calls) == ["EFFECT", "REJECTED", "REPEAT"]
    assert calls.page()[1].entry.error == "KEY_REUSED"


async def test_different_calls_may_use_one_key(open_sandbox: OpenSandbox) -> None:
    sandbox = open_sandbox()
    await sandbox.invoice(replace(INVOICE, key="shipment-1"))
    await sandbox.charge(replace(CHARGE, key="shipment-1"))
    assert (await sandbox.book(replace(BOOKING, key="shipment-1"))).accepted


async def test_an_address_in_another_order_of_fields_is_the_same_request(open_sandbox: OpenSandbox) -> None:
    sandbox = open_sandbox()
    first = await sandbox.book(BOOKING)
    turned = MappingProxyType({"country": "BR", "city": "Recife"})
    assert await sandbox.book(replace(BOOKING, address=turned)) == first


async def test_refunds_never_exceed_the_charge(open_sandbox: OpenSandbox, calls: CallLog) -> None:
    sandbox = open_sandbox()
    await sandbox.charge(CHARGE)
    await sandbox.refund(REFUND)
    await sandbox.refund(replace(REFUND, key="r-2", amount_minor=600))
    with pytest.raises(RequestRejected) as rejected:
        await sandbox.refund(replace(REFUND, key="r-3", amount_minor=1))
    assert rejected.value.code == "REFUND_EXCEEDS_CHARGE"
    assert len(effects(calls, "refund")) == 2


@pytest.mark.parametrize("payment_method", ["sandbox-declined", None])
async def test_what_was_not_charged_is_not_refunded(open_sandbox: OpenSandbox, payment_method: str | None) -> None:
    sandbox = open_sandbox()
    if payment_method:
        await sandbox.charge(replace(CHARGE, payment_method=payment_method))
    with pytest.raises(RequestRejected) as rejected:
        await sandbox.refund(REFUND)
    assert rejected.value.code == "NOT_CHARGED"


async def test_a_rejected_key_may_be_used_again_with_a_valid_request(open_sandbox: OpenSandbox) -> None:
    sandbox = open_sandbox()
    with pytest.raises(RequestRejected):
        await sandbox.charge(replace(CHARGE, amount_minor=-1))
    assert (await sandbox.charge(CHARGE)).succeeded


async def test_a_booking_that_arrives_after_its_release_is_refused(open_sandbox: OpenSandbox) -> None:
    sandbox = open_sandbox()
    await sandbox.release(BOOKING.key)
    late = await sandbox.book(BOOKING)
    assert (late.accepted, late.reason) == (False, "BOOKING_RELEASED")
    assert await sandbox.book(BOOKING) == late


async def test_a_released_booking_no_longer_exists(open_sandbox: OpenSandbox) -> None:
    sandbox = open_sandbox()
    assert (await sandbox.book(BOOKING)).accepted
    await sandbox.release(BOOKING.key)
    assert not (await sandbox.book(BOOKING)).accepted


async def test_failing_calls_take_effect_once_or_not_at_all_and_the_log_says_which(
    open_sandbox: OpenSandbox, calls: CallLog
) -> None:
    sandbox = open_sandbox(SandboxRules(failure_rate=0.5))
    requests = [replace(CHARGE, key=f"c-{n}") for n in range(400)]
    results = await asyncio.gather(*map(sandbox.charge, requests), return_exceptions=True)
    lost = {request.key for request, result in zip(requests, results, strict=True) if type(result) is AnswerLost}
    failed = {
        request.key for request, result in zip(requests, results, strict=True) if type(result) is ProviderUnavailable
    }
    assert 60 < len(lost) < 140
    assert 60 < len(failed) < 140
    assert {call.entry.key for call in effects(calls, "charge")} == {each.key for each in requests} - failed
    assert {call.entry.key for call in calls.page(limit=1000) if call.entry.answer_lost} == lost

    calm = open_sandbox()
    answers = await asyncio.gather(*map(calm.charge, requests))
    assert all(answer.succeeded for answer in answers)
    assert len(effects(calls, "charge")) == 400


async def test_a_caller_gives_up_after_its_timeout_and_the_effect_stands(
    open_sandbox: OpenSandbox, calls: CallLog
) -> None:
    slow = open_sandbox(SandboxRules(latency_ms=200), timeout_s=0.15)
    with pytest.raises(ProviderUnavailable):
        await slow.charge(CHARGE)
    assert len(effects(calls, "charge")) == 1


async def test_calls_of_a_batch_wait_at_the_same_time(open_sandbox: OpenSandbox) -> None:
    slow = open_sandbox(SandboxRules(latency_ms=100), timeout_s=5)
    started_s = time.monotonic()
    await asyncio.gather(*(slow.charge(replace(CHARGE, key=f"c-{n}")) for n in range(100)))
    assert 0.1 <= time.monotonic() - started_s < 5  # one after the other they would take 10 s


async def test_a_locked_storage_is_unavailable(log_path: Path) -> None:
    log = CallLog(log_path, busy_timeout_s=0.1)
    hog = sqlite3.connect(log_path, isolation_level=None)
    hog.execute("BEGIN IMMEDIATE")
    with pytest.raises(ProviderUnavailable):
        await Sandbox(SandboxRules(), log).charge(CHARGE)
    hog.execute("ROLLBACK")
    hog.close()
    assert (await Sandbox(SandboxRules(), log).charge(CHARGE)).succeeded
    log.close()


async def test_logged_calls_cannot_be_changed_or_deleted(open_sandbox: OpenSandbox, log_path: Path) -> None:
    await open_sandbox().charge(CHARGE)
    outside = sqlite3.connect(log_path)
    for statement in ("UPDATE calls SET answer = NULL", "DELETE FROM calls"):
        with pytest.raises(sqlite3.IntegrityError, match="append-only"):
            outside.execute(statement)
    outside.close()


async def test_the_log_pages_by_id_and_finds_keys_by_their_start(open_sandbox: OpenSandbox, calls: CallLog) -> None:
    sandbox = open_sandbox()
    for n in range(5):
        await sandbox.charge(replace(CHARGE, key=f"100%-{n}"))
        await sandbox.charge(replace(CHARGE, key=f"100_-{n}"))
    found = calls.page(limit=3, key_prefix="100%")
    rest = calls.page(after=found[-1].id, key_prefix="100%")
    assert [call.entry.key for call in found + rest] == [f"100%-{n}" for n in range(5)]
    assert all(call.entry.outcome is Outcome.EFFECT for call in found + rest)


def test_its_file_is_for_its_owner_only_in_a_folder_that_others_may_enter(log_path: Path, calls: CallLog) -> None:
    assert calls.page() is not None
    assert {stat.S_IMODE(file.stat().st_mode) for file in log_path.parent.glob("sandbox.sqlite*")} == {0o600}
