"""`python -m oms check` as a process: what it prints and how it exits."""

import json
import os
import subprocess
from pathlib import Path

import pytest
from rich.console import Console
from sqlalchemy.engine import make_url

from oms.tools.check.check import Check, Finding, Kind, Report, Result
from oms.tools.check.report import print_report
from oms.tools.check.rules import ALL
from tests.oms_process import oms
from tests.tools.check.conftest import HonestShop, execute


def check(folder: Path, url: str | None, *arguments: str) -> subprocess.CompletedProcess[str]:
    environment = {name: value for name, value in os.environ.items() if not name.startswith("OMS_")}
    if url is not None:
        environment["OMS_DATABASE_URL"] = url
    return oms("check", *arguments, environment=environment | {"OMS_DATA_DIR": str(folder), "NO_COLOR": "1"})


def test_a_clean_shop_exits_with_0_and_writes_json(honest_shop: HonestShop, tmp_path: Path) -> None:
    done = check(honest_shop.folder, honest_shop.url, "--json", str(tmp_path / "found.json"))
    assert done.returncode == 0, done.stdout + done.stderr
    assert "no violation" in done.stdout
    found = json.loads((tmp_path / "found.json").read_bytes())
    assert (found["is_clean"], found["violations"]) == (True, 0)
    assert len(found["results"]) > len(ALL)
    assert all(result["rows_count"] >= 0 and result["took_ms"] >= 0 for result in found["results"])


async def test_a_violation_exits_with_1_and_names_the_row(honest_shop: HonestShop) -> None:
    await execute(honest_shop.url, "UPDATE stock SET allocated = allocated + 1 WHERE sku = 'MUG'")
    try:
        done = check(honest_shop.folder, honest_shop.url)
    finally:
        await execute(honest_shop.url, "UPDATE stock SET allocated = allocated - 1 WHERE sku = 'MUG'")
    assert done.returncode == 1, done.stdout + done.stderr
    assert "Rule 3 is violated: Allocations of open shipments sum to allocated (1)" in done.stdout
    assert "MUG in A" in done.stdout


def test_an_unreachable_database_exits_with_2(honest_shop: HonestShop) -> None:
    nowhere = make_url(honest_shop.url).set(port=1).render_as_string(hide_password=False)
    done = check(honest_shop.folder, nowhere)
    assert (done.returncode, done.stdout) == (2, "")
    assert "cannot be reached" in done.stderr
    assert "Check OMS_DATABASE_URL" in done.stderr
    assert (make_url(nowhere).password or "?") not in done.stderr


async def test_a_database_without_tables_exits_with_2(honest_shop: HonestShop) -> None:
    await execute(honest_shop.url, "CREATE DATABASE bare")
    try:
        done = check(honest_shop.folder, make_url(honest_shop.url).set(database="bare").render_as_string(False))
    finally:
        await execute(honest_shop.url, "DROP DATABASE bare WITH (FORCE)")
    assert done.returncode == 2
    assert "python -m oms migrate" in done.stderr


def test_without_a_running_instance_it_exits_with_2(tmp_path: Path) -> None:
    done = check(tmp_path, None)
    assert done.returncode == 2
    assert "No instance runs" in done.stderr


def test_a_sandbox_log_that_cannot_be_read_exits_with_2(honest_shop: HonestShop, tmp_path: Path) -> None:
    (tmp_path / "sandbox").mkdir()
    (tmp_path / "sandbox" / "sandbox.sqlite").write_text("no database at all, but long enough to be looked at")
    done = check(tmp_path, honest_shop.url)
    assert done.returncode == 2
    assert "cannot be read" in done.stderr


def test_the_report_shows_the_first_few_and_counts_the_rest(capsys: pytest.CaptureFixture[str]) -> None:
    subject = Check("3", "Nothing is oversold", "places", "stock", "")
    broken = Result(
        subject.rule, subject.holds, subject.examined, Kind.RULE, 9, 7, [Finding("MUG in A", "[2] of 1")], 1.0
    )
    note = Result("1", "Work waits", "work", Kind.NOTE, 1, 1, [Finding("wrk_1", "why")], 1.0)
    print_report(Report([broken, note], ["Rule 6: elsewhere."]), Console(width=120))
    shown = capsys.readouterr().out
    assert "Rule 3 is violated: Nothing is oversold (7)\n    MUG in A: [2] of 1\n    … and 6 more" in shown
    assert "Note on rule 1: Work waits (1)\n    wrk_1: why" in shown
    assert "7 violations in 1 of 1 checks" in shown
