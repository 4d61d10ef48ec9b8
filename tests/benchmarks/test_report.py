"""What docs/evidence/performance.md shows is what was measured, and nothing else."""

import os
import re
import subprocess
import sys
import xml.etree.ElementTree as ET
from pathlib import Path

import psutil
import pytest

from benchmarks.load.figures import median, percentiles, spending
from benchmarks.load.goals import GOALS, kept, least_kept
from benchmarks.load.model import model
from benchmarks.load.options import RESULTS
from benchmarks.load.plot import plot
from benchmarks.load.report import PAGE, PLOT, SCALING_PAGE, figures_page, render_page
from benchmarks.load.results import Results, this_machine

PARENT = """
import subprocess, sys
sys.stdin.read(1)
subprocess.run([sys.executable, "-c", "for _ in range(10**7): pass"])
print(flush=True)
sys.stdin.read()
"""
"""Lets a child of its own work once it is told to."""

SHAPE = {"web_processes": 2, "worker_processes": 1, "runs": 3, "seconds": 20}


def measured(**figures_of: dict[str, float]) -> Results:
    """By workload; a name with an underscore and a number is of a database with so many orders."""
    results = Results(machine=this_machine())
    for name, figures in figures_of.items():
        workload, _, filled = name.partition("_")
        results.add(int(filled or 0), workload, [figures], load=0.1, options=SHAPE)
    return results


def goal(words: str) -> int:
    (found,) = (place for place, each in enumerate(GOALS) if words in each.what)
    return found


def test_the_page_shows_the_results_that_are_kept() -> None:
    results = Results.read(RESULTS)
    assert f"-->\n{figures_page(results)}<!-- end" in PAGE.read_text(), "run: python -m oms bench --render"
    assert PLOT.read_text() == plot(results), "run: python -m oms bench --render"
    assert f"-->\n{model(results)}<!-- end" in SCALING_PAGE.read_text(), "run: python -m oms bench --render"


@pytest.mark.parametrize(
    ("words", "results", "reached"),
    [
        ("rate against pgbench", measured(place={"ratio": 0.7}), True),
        ("rate against pgbench", measured(place={"ratio": 0.69}), False),
        ("placeOrder, p99", measured(place={"p99_ms": 61}), False),
        ("deliveries lost", measured(live={"lost": 0}), True),
        ("deliveries lost", measured(live={"lost": 1}), False),
        ("whole life, sustained", measured(), None),
        ("processor time", measured(life={"cpu_ms_web": 2, "cpu_ms_worker": 0.5, "cpu_ms_postgres": 0.4}), None),
        (
            "processor time",
            measured(life={"cpu_ms_web": 2, "cpu_ms_worker": 0.5, "cpu_ms_postgres": 0.4, "cpu_ms_valkey": 0.2}),
            False,
        ),
        ("slowest of the three", measured(detail={"p99_ms": 9}, list={"p99_ms": 9}), None),
        ("slowest of the three", measured(detail={"p99_ms": 9}, list={"p99_ms": 51}, page={"p99_ms": 9}), False),
    ],
)
def test_a_goal_is_reached_missed_or_not_measured(words: str, results: Results, reached: bool | None) -> None:
    assert GOALS[goal(words)].reached(results) is reached


def test_what_is_kept_of_times_is_counted_the_other_way_round() -> None:
    results = measured(
        place={"rate_per_s": 100}, place_1000={"rate_per_s": 95}, idle={"p99_ms": 40}, idle_1000={"p99_ms": 80}
    )
    assert kept(results, "place", 1000) == pytest.approx(0.95)
    assert kept(results, "idle", 1000) == pytest.approx(0.5)
    assert least_kept(results) == pytest.approx(0.5)
    assert kept(results, "bulk", 1000) is None


def test_the_median_counts_and_percentiles_are_of_what_was_seen() -> None:
    assert median([{"a": 3}, {"a": 1}, {"a": 2}, {}], "a") == 2
    assert median([{}], "a") is None
    assert percentiles([n / 1000 for n in range(1, 101)]) == pytest.approx({"p50_ms": 50, "p99_ms": 99})
    assert percentiles([]) == {}


def test_time_of_processors_is_told_apart_by_kind_and_counts_children_that_have_ended() -> None:
    parent = subprocess.Popen([sys.executable, "-c", PARENT], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    assert parent.stdin
    assert parent.stdout
    with spending({"web": [psutil.Process(parent.pid)], "client": [psutil.Process(os.getpid())]}) as spent:
        parent.stdin.write(b"x")
        parent.stdin.flush()
        parent.stdout.readline()
    parent.communicate()
    assert spent.cpu_s["web"] > 0.05
    assert spent.cpu_s["client"] < spent.cpu_s["web"]
    figures = spent.each(100)
    assert figures["cpu_ms_web"] == pytest.approx(spent.cpu_s["web"] * 10)
    assert figures["rate_per_s"] == pytest.approx(100 / spent.wall_s)


def test_results_are_kept_workload_by_workload(tmp_path: Path) -> None:
    file = tmp_path / "results/measured.json"
    measured(place={"ratio": 0.5}).write(file)
    again = Results.read(file)
    again.add(1000, "place", [{"ratio": 0.4}], load=0.2, options=SHAPE)
    again.write(file)
    assert Results.read(file).figure("place", "ratio") == 0.5
    assert Results.read(file).figure("place", "ratio", filled=1000) == 0.4
    assert Results.read(file).fillings == [1000]


def test_what_ten_thousand_orders_a_second_take_follows_from_what_one_costs() -> None:
    costs = {"cpu_ms_web": 1.2, "cpu_ms_worker": 0.6, "cpu_ms_postgres": 0.9, "cpu_ms_valkey": 0.03}
    text = model(measured(life=costs, detail={"cpu_ms_web": 0.5}, page={"cpu_ms_web": 1.0}, list={"cpu_ms_web": 2.0}))
    assert "| web: its whole life | 1.20 | 12.0 | 20.0 |" in text
    assert "| web: being looked at | 4.50 | 45.0 | 75.0 |" in text
    assert "| postgres: being looked at | – | – | – |" in text


def test_the_page_keeps_its_text_around_the_markers_and_the_picture_is_one(tmp_path: Path) -> None:
    file, page, picture, scaling = (tmp_path / name for name in ("r.json", "p.md", "p.svg", "s.md"))
    measured(place={"ratio": 0.5, "rate_per_s": 1234}, place_1000={"rate_per_s": 1000}).write(file)
    page.write_text(PAGE.read_text())
    scaling.write_text(SCALING_PAGE.read_text())
    for _ in range(2):
        render_page(file, page, picture, scaling)
    text = page.read_text()
    assert "| `place`: placeOrder, one order of two lines a request | 1,234 |" in text
    assert "≥ 0.7 | 0.5 | **no**" in text
    assert "### With 1,000 orders in the database beforehand" in text
    between = re.compile(r"(?<=-->\n).*(?=<!-- end)", re.DOTALL)
    assert between.sub("", text) == between.sub("", PAGE.read_text())
    assert ET.fromstring(picture.read_text()).tag.endswith("svg")
