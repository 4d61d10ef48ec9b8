"""The sample of real orders is processed by a real instance, whose database then passes `check`."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import orjson
import pytest

from oms.platform.settings import PROJECT_DIR
from oms.tools.dev_services.embedded import running_instance

SAMPLE = PROJECT_DIR.parent / "shared/data/sample"
FILES = [str(SAMPLE / source / "orders.jsonl.gz") for source in ("olist", "uci")]

pytestmark = [
    pytest.mark.trial,
    pytest.mark.skipif(not SAMPLE.exists(), reason="the sample of real orders is not here"),
]

START_S = 90
STOP_S = 60
REPLAY_S = 400


def oms(environment: dict[str, str], *arguments: str, timeout_s: float = REPLAY_S) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "oms", *arguments],
        cwd=PROJECT_DIR,
        env=environment,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=timeout_s,
        check=False,
    )


@pytest.fixture(scope="module")
def instance(open_dir: Path) -> Iterator[dict[str, str]]:
    """A running instance whose customers have five seconds to answer; yields its environment."""
    data_dir = open_dir / "replay"
    others = {name: value for name, value in os.environ.items() if not name.startswith("OMS_")}
    environment = others | {"OMS_DATA_DIR": str(data_dir), "OMS_AMENDMENT_TIMEOUT_S": "5"}
    log = open_dir / "replay.log"
    with log.open("wb") as output:
        running = subprocess.Popen(
            [sys.executable, "-m", "oms", "run"],
            cwd=PROJECT_DIR,
            env=environment | {"OMS_PORT": "0"},
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
        )
    try:
        give_up_at = time.monotonic() + START_S
        while not ((found := running_instance(data_dir)) and found.port):
            assert running.poll() is None, log.read_text()
            assert time.monotonic() < give_up_at, log.read_text()
            time.sleep(0.1)
        yield environment
    finally:
        running.send_signal(signal.SIGTERM)
        running.wait(STOP_S)


@pytest.fixture(scope="module")
def report(instance: dict[str, str], open_dir: Path) -> dict[str, object]:
    """The sample, replayed once."""
    json_file = open_dir / "replay.json"
    done = oms(instance, "replay", *FILES, "--wait", "60", "--json", str(json_file))
    assert done.returncode == 0, done.stdout + done.stderr
    return dict(orjson.loads(json_file.read_bytes()))


def test_every_order_of_the_sample_reaches_a_final_status(report: dict[str, object]) -> None:
    statuses = report["statuses"]

    assert isinstance(statuses, dict)
    assert report["rows_read"] == 4_000
    assert (report["placed"], report["refused"], report["failed"]) == (1_914 + 1_520, {}, {})
    assert sum(statuses.values()) == report["placed"]
    assert all(statuses[status] for status in ("COMPLETED", "CANCELLED", "TIMED_OUT"))
    assert report["still_open"] == report["imbalances"] == []


def test_some_orders_were_split_and_some_amended(report: dict[str, object]) -> None:
    assert report["split"]
    assert report["amended"]


def test_the_database_keeps_the_rules(report: dict[str, object], instance: dict[str, str]) -> None:
    checked = oms(instance, "check")
    assert checked.returncode == 0, checked.stdout + checked.stderr


def test_a_second_replay_finds_every_order_and_changes_nothing(
    report: dict[str, object], instance: dict[str, str], open_dir: Path
) -> None:
    json_file = open_dir / "again.json"

    done = oms(instance, "replay", *FILES, "--bulk", "100", "--wait", "60", "--json", str(json_file))

    again = orjson.loads(json_file.read_bytes())
    assert done.returncode == 0, done.stdout + done.stderr
    assert (again["placed"], again["repeated"]) == (0, report["placed"])
    assert again["statuses"] == report["statuses"]
