"""Several processes on one file, and processes that are killed at the worst moment."""

import asyncio
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from oms.providers.ports import ChargeRequest, ProviderUnavailable
from oms.providers.sandbox.call_log import CallLog, Outcome
from oms.providers.sandbox.rules import SandboxRules
from oms.providers.sandbox.sandbox import Sandbox
from tests.providers.conftest import OpenSandbox, effects

PROJECT_DIR = Path(__file__).resolve().parents[3]


StartCharging = Callable[..., subprocess.Popen[str]]


@pytest.fixture
def start_charging(log_path: Path) -> Iterator[StartCharging]:
    with ExitStack() as stack:

        def start(count: int, latency_ms: float = 0) -> subprocess.Popen[str]:
            command = [sys.executable, "-m", "tests.providers.sandbox.charging_process"]
            process = subprocess.Popen(
                [*command, str(log_path), str(count), str(latency_ms)],
                cwd=PROJECT_DIR,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                text=True,
            )
            stack.enter_context(process)
            stack.callback(process.kill)
            return process

        yield start


def start_together(*processes: subprocess.Popen[str]) -> None:
    """Lets all begin at once when all are ready."""
    for process in processes:
        assert process.stdout
        assert process.stdout.readline() == "ready\n"
    for process in processes:
        assert process.stdin
        process.stdin.write("go\n")
        process.stdin.flush()


def wait_for_effects(calls: CallLog, count: int) -> None:
    give_up_at_s = time.monotonic() + 30
    while len(effects(calls, "charge")) < count:
        assert time.monotonic() < give_up_at_s
        time.sleep(0.02)


def test_processes_charging_the_same_keys_at_once_charge_each_once(
    start_charging: StartCharging, calls: CallLog
) -> None:
    processes = [start_charging(300) for _ in range(3)]
    start_together(*processes)
    answered = [process.communicate(timeout=60)[0].split() for process in processes]
    assert [process.returncode for process in processes] == [0, 0, 0]
    assert all(sorted(keys) == sorted(f"c-{n}" for n in range(300)) for keys in answered)
    assert Counter(call.entry.outcome for call in calls.page(limit=10_000)) == {
        Outcome.EFFECT: 300,
        Outcome.REPEAT: 600,
    }
    assert len({call.entry.key for call in effects(calls, "charge")}) == 300


async def test_a_kill_between_effect_and_answer_keeps_the_effect(
    start_charging: StartCharging, calls: CallLog, open_sandbox: OpenSandbox
) -> None:
    process = start_charging(50, latency_ms=4_000)
    start_together(process)
    wait_for_effects(calls, 50)
    process.kill()
    answered, _ = process.communicate()
    assert answered == ""  # all took effect without an answer
    answer = await open_sandbox().charge(ChargeRequest("c-7", 1007, "USD", "sandbox-ok"))
    assert answer.succeeded
    assert len(effects(calls, "charge")) == 50


async def test_a_kill_in_the_middle_of_writing_loses_nothing_that_was_answered(
    start_charging: StartCharging, calls: CallLog, open_sandbox: OpenSandbox
) -> None:
    answered: set[str] = set()
    for _ in range(3):
        process = start_charging(100_000)
        start_together(process)
        await asyncio.sleep(0.2)
        process.kill()
        printed, _ = process.communicate()
        answered.update(printed.split("\n")[:-1])  # the last line may be cut short
    logged = [call.entry.key for call in effects(calls, "charge")]
    assert answered
    assert answered <= set(logged)
    assert len(logged) == len(set(logged))
    last = max(int(key.removeprefix("c-")) for key in answered)
    assert (await open_sandbox().charge(ChargeRequest(f"c-{last}", 1000 + last, "USD", "sandbox-ok"))).succeeded
    assert len(effects(calls, "charge")) == len(logged)


async def test_a_stopped_process_does_not_block_the_event_loops_of_others(
    log_path: Path, start_charging: StartCharging
) -> None:
    """A stopped process may hold the lock. Calls of others then fail as unavailable, and their loops go on."""
    process = start_charging(100_000)
    start_together(process)
    log = CallLog(log_path, busy_timeout_s=0.3)
    sandbox = Sandbox(SandboxRules(), log)
    for attempt in range(200):
        process.send_signal(signal.SIGSTOP)
        requests = [ChargeRequest(f"d-{attempt}-{n}", 1, "USD", "sandbox-ok") for n in range(50)]
        started_s = time.monotonic()
        answers = await asyncio.gather(*map(sandbox.charge, requests), return_exceptions=True)
        assert time.monotonic() - started_s < 10  # all together; one after the other they would take 15 s
        process.send_signal(signal.SIGCONT)
        if any(isinstance(answer, ProviderUnavailable) for answer in answers):
            break
        await asyncio.sleep(0.003)
    else:
        pytest.fail("never stopped it inside a transaction")
    log.close()
