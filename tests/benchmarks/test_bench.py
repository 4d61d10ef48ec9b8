"""The whole benchmark with tiny numbers: that it runs, and that its figures can be true. How fast it is, is no test."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from benchmarks.load.results import Results
from benchmarks.load.workloads import WORKLOADS
from oms.platform.settings import PROJECT_DIR

pytestmark = pytest.mark.trial

TINY = (
    "--runs", "1", "--seconds", "1", "--warm-up", "0.5", "--outstanding", "20", "--subscribers", "12",
    "--flash-orders", "40", "--limit-orders", "20",
)  # fmt: skip
ASKED_FOR = [workload for workload in WORKLOADS if workload.by_default]


def bench(*arguments: str) -> "subprocess.CompletedProcess[str]":
    kept = {name: value for name, value in os.environ.items() if not name.startswith("OMS_")}
    command = [sys.executable, "-m", "oms", "bench", *arguments]
    return subprocess.run(command, check=False, cwd=PROJECT_DIR, env=kept, capture_output=True, text=True)


@pytest.fixture(scope="module")
def results(open_dir: Path) -> Results:
    file = open_dir / "bench.json"
    done = bench(*TINY, "--filled", "0,600", "--folder", str(open_dir / "bench"), "--results", str(file))
    assert done.returncode == 0, done.stdout + done.stderr
    return Results.read(file)


def test_every_workload_is_measured_and_those_that_grow_on_a_filled_database_too(results: Results) -> None:
    assert set(results.measured["0"]) == {workload.name for workload in ASKED_FOR}
    assert set(results.measured["600"]) == {workload.name for workload in ASKED_FOR if workload.grows}


@pytest.mark.parametrize("name", [workload.name for workload in ASKED_FOR if workload.name != "start"])
def test_its_figures_can_be_true(results: Results, name: str) -> None:
    (figures,) = results.runs(0, name)
    assert figures["rate_per_s"] == pytest.approx(figures["count"] / figures["seconds"])
    assert all(figures[f"cpu_ms_{kind}"] >= 0 for kind in ("web", "postgres", "valkey", "client"))
    if "p50_ms" in figures:
        assert 0 < figures["p50_ms"] <= figures["p99_ms"] < 60_000


def test_no_rule_is_broken_by_the_load(results: Results) -> None:
    assert [results.figure(name, "violations") for name in ("life", "flash", "limit")] == [0, 0, 0]


def test_half_of_what_everybody_wants_is_given_out(results: Results) -> None:
    assert results.figure("flash", "allocated") == 20
    assert results.figure("limit", "charged") == 10


def test_every_subscriber_is_told_of_everything(results: Results) -> None:
    assert results.figure("live", "subscribers") == 12
    assert results.figure("live", "count") == 24
    assert results.figure("live", "lost") == 0


def test_the_yardstick_runs_beside_placing(results: Results) -> None:
    (figures,) = results.runs(0, "place")
    assert figures["ratio"] == pytest.approx(figures["rate_per_s"] / figures["pgbench_per_s"])


def test_every_order_of_the_latency_runs_is_booked(results: Results) -> None:
    assert [results.figure(name, "not_booked") for name in ("idle", "half")] == [0, 0]


def test_a_workload_that_does_not_exist_is_told() -> None:
    done = bench("--only", "plaice")
    assert done.returncode == 1
    assert "There is no workload plaice; there are place, bulk," in done.stderr
