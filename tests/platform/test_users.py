"""Which user runs web and workers, and where the demo is allowed."""

import os
import pwd
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import psutil
import pytest

from oms.platform.settings import PROJECT_DIR, CannotStart, load_settings
from oms.tools.dev_services.embedded import account as accounts
from oms.tools.dev_services.embedded import running_instance
from oms.tools.dev_services.embedded.account import ROOT, Account, account_for_program
from oms.tools.dev_services.supervisor.run import require_private
from tests.platform.conftest import Instance, clean_environment, oms, program_user

ROOT_ONLY = pytest.mark.skipif(
    os.geteuid() != 0 or program_user() == ROOT, reason="only root can become another user, who must reach this Python"
)


@pytest.fixture
def as_root(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 0)


def readable_by(monkeypatch: pytest.MonkeyPatch, *names: str) -> None:
    monkeypatch.setattr(Account, "can_read_program", property(lambda self: self.name in names))


@pytest.mark.usefixtures("as_root")
def test_root_becomes_the_first_user_that_can_read_the_program(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(accounts, "PROGRAM_CANDIDATES", ("nobody-of-this-name", "daemon", "nobody"))
    readable_by(monkeypatch, "nobody")
    found = account_for_program(None)
    assert found
    assert (found.name, found.uid) == ("nobody", pwd.getpwnam("nobody").pw_uid)


@pytest.mark.usefixtures("as_root")
def test_if_nobody_can_read_it_root_is_refused_unless_the_settings_say_so(monkeypatch: pytest.MonkeyPatch) -> None:
    readable_by(monkeypatch)
    with pytest.raises(CannotStart, match=r"do not run as root, and none of the users .*\n.*OMS_RUN_AS=root"):
        account_for_program(None)
    with pytest.raises(CannotStart, match="none of the users daemon can read"):
        account_for_program("daemon")
    assert account_for_program("root") is None


def test_another_user_stays_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    assert account_for_program("nobody") is None


@ROOT_ONLY
def test_run_as_root_starts_web_and_workers_as_another_user(shared: Instance) -> None:
    for words in (("oms", "web"), ("oms", "worker")):
        process = shared.child(*words)
        assert 0 not in process.uids()
        assert 0 not in process.gids()
        assert process.environ()["HOME"] == "/"
    log = Path(shared.environment["OMS_DATA_DIR"]) / "sandbox"
    shared.wait_until((log / "sandbox.sqlite").exists)
    assert log.stat().st_uid == shared.child("oms", "worker").uids().real


@ROOT_ONLY
@pytest.mark.parametrize("command", ["web", "worker"])
def test_started_alone_by_root_they_become_another_user(shared: Instance, open_dir: Path, command: str) -> None:
    instance = running_instance(Path(shared.environment["OMS_DATA_DIR"]))
    assert instance
    engines = {"OMS_DATABASE_URL": instance.database_url, "OMS_REDIS_URL": instance.redis_url}
    environment = clean_environment(open_dir / "alone") | engines
    started = subprocess.Popen([sys.executable, "-m", "oms", command], cwd=PROJECT_DIR, env=environment)
    try:
        alone = psutil.Process(started.pid)
        shared.wait_until(lambda: 0 not in alone.uids())
        assert 0 not in alone.gids()
        assert started.poll() is None
    finally:
        started.terminate()
        started.wait(30)


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.0.2.1", "orders.example.com"])
def test_a_demo_is_for_this_machine_only(open_dir: Path, host: str) -> None:
    environment = clean_environment(open_dir / "never started")
    refused = oms(environment | {"OMS_HOST": host}, "run")
    assert refused.returncode == 1
    assert f"other machines may reach OMS_HOST={host}.\nSet OMS_DEMO=false" in refused.stderr
    assert not (Path(environment["OMS_DATA_DIR"]) / "state.json").exists()


@pytest.mark.parametrize(
    ("settings", "is_refused"),
    [
        ({"host": "127.0.0.1", "demo": True}, False),
        ({"host": "localhost", "demo": True}, False),
        ({"host": "::1", "demo": True}, False),
        ({"host": "192.0.2.1", "demo": True}, True),
        ({"host": "192.0.2.1", "demo": True, "demo_anywhere": True}, False),
        ({"host": "192.0.2.1", "demo": False}, False),
    ],
)
def test_settings_allow_it_elsewhere(settings: dict[str, object], is_refused: bool) -> None:
    try:
        require_private(load_settings(**settings))
    except CannotStart:
        assert is_refused
    else:
        assert not is_refused


def test_without_demo_mode_the_shop_stays_empty(start: Callable[..., Instance], open_dir: Path) -> None:
    environment = clean_environment(open_dir / "without demo")
    instance = start(OMS_DEMO="false", OMS_DATA_DIR=environment["OMS_DATA_DIR"])
    instance.wait_until_ready()
    assert "Demo catalogue" not in instance.output
    exported = oms(environment, "audit", "export")
    assert "CatalogLoaded" not in exported.stdout


def test_a_database_of_its_own_gets_no_demo_data(shared: Instance, start: Callable[..., Instance]) -> None:
    running = running_instance(Path(shared.environment["OMS_DATA_DIR"]))
    assert running
    instance = start(
        OMS_DATABASE_URL=running.database_url,
        OMS_MIGRATION_DATABASE_URL=running.owner_url,
        OMS_REDIS_URL=running.redis_url,
    )
    instance.wait_until_ready()
    assert "Demo catalogue" not in instance.output
