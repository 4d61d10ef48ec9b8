"""The embedded engines: a folder survives restarts, kills and misuse, and has one supervisor at a time."""

import asyncio
import os
import socket
import stat
import subprocess
import sys
import textwrap
from pathlib import Path

import asyncpg
import psutil
import pytest

from oms.platform.grants import OWNER_ROLE
from oms.platform.settings import PROJECT_DIR, CannotStart
from oms.tools.dev_services.embedded import DataFolder, Engines, running_instance
from oms.tools.dev_services.embedded.account import Account, account_for
from oms.tools.dev_services.embedded.folder import ENGINE_USERS, MAX_LOG_BYTES
from oms.tools.dev_services.embedded.ports import free_port
from oms.tools.dev_services.embedded.process import mark_of
from oms.tools.dev_services.embedded.programs import _copy, _programs_in, _site, programs_for
from tests.platform.conftest import is_gone


@pytest.fixture
def data_dir(open_dir: Path, request: pytest.FixtureRequest) -> Path:
    return open_dir / str(request.node.name)[:50]


@pytest.fixture(scope="module")
def used_dir(open_dir: Path) -> Path:
    """A folder with data that the tests share, one after the other, as creating data takes seconds."""
    with Engines(open_dir / "used", durable=False):
        return open_dir / "used"


def query(engines: Engines, *statements: str) -> object:
    """Executes statements; returns the last one's single value."""

    async def execute() -> object:
        connection = await asyncpg.connect(engines.owner_url.replace("+asyncpg", ""))
        try:
            for statement in statements[:-1]:
                await connection.execute(statement)
            return await connection.fetchval(statements[-1])
        finally:
            await connection.close()

    return asyncio.run(execute())


def test_data_passwords_and_ports_survive_a_restart(used_dir: Path) -> None:
    with Engines(used_dir) as engines:
        first = (engines.database_url, engines.redis_url)
        query(
            engines,
            "DROP TABLE IF EXISTS kept",
            "CREATE TABLE kept (it int)",
            "INSERT INTO kept VALUES (7)",
            "SELECT 1",
        )
    with Engines(used_dir) as engines:
        assert (engines.database_url, engines.redis_url) == first
        assert query(engines, "SELECT it FROM kept") == 7


def test_the_database_is_durable_utf8_in_utc_and_knows_case_beyond_ascii(used_dir: Path) -> None:
    with Engines(used_dir) as engines:
        shown = {
            name: query(engines, f"SHOW {name}")
            for name in ("fsync", "synchronous_commit", "server_encoding", "timezone", "max_connections")
        }
        assert shown == {
            "fsync": "on",
            "synchronous_commit": "on",
            "server_encoding": "UTF8",
            "timezone": "UTC",
            "max_connections": "200",
        }
        assert query(engines, "SELECT lower('ÉTÉ')") == "été"
        assert query(engines, "SELECT 'Z' < 'a'") is True


def test_engines_refuse_connections_without_the_password(engines: Engines) -> None:
    async def attempt() -> None:
        await asyncpg.connect(engines.database_url.replace("+asyncpg", ""), password="guessed")

    with pytest.raises(asyncpg.InvalidPasswordError):
        asyncio.run(attempt())


def test_secrets_are_readable_by_their_owner_only(used_dir: Path) -> None:
    with Engines(used_dir) as engines:
        assert stat.S_IMODE((used_dir / "state.json").stat().st_mode) == 0o600
        assert stat.S_IMODE((used_dir / "lock").stat().st_mode) == 0o600
        for server in engines.servers:
            command = " ".join(psutil.Process(server.process.pid).cmdline())
            assert [user for user in ENGINE_USERS if engines.folder.password(user) in command] == []


def test_a_folder_in_use_names_the_process_and_the_port(data_dir: Path) -> None:
    with DataFolder(data_dir) as folder:
        folder.announce(port=8123)
        with pytest.raises(CannotStart, match=rf"process {os.getpid()}, listening on port 8123"):
            DataFolder(data_dir)
    with DataFolder(data_dir):
        pass


def test_a_running_instance_is_found_only_while_it_runs(data_dir: Path) -> None:
    assert running_instance(data_dir) is None
    with DataFolder(data_dir) as folder:
        folder.announce(database_url="postgresql://here")
        found = running_instance(data_dir)
        assert found
        assert found.database_url == "postgresql://here"
    assert running_instance(data_dir) is None


def test_data_of_another_postgresql_are_refused_and_unchanged(used_dir: Path) -> None:
    version_file = used_dir / "postgres/PG_VERSION"
    version_file.write_text("17\n")
    with (
        pytest.raises(CannotStart, match="was created by PostgreSQL 17, but PostgreSQL 18 is installed"),
        Engines(used_dir),
    ):
        pass
    assert version_file.read_text() == "17\n"
    version_file.write_text("18\n")


def test_a_folder_without_passwords_gets_new_ones_and_keeps_its_data(used_dir: Path) -> None:
    with Engines(used_dir) as engines:
        query(engines, "CREATE TABLE IF NOT EXISTS precious (it int)", "SELECT 1")
        lost = engines.folder.password(OWNER_ROLE)
    (used_dir / "state.json").unlink()
    with Engines(used_dir) as engines:
        assert engines.folder.password(OWNER_ROLE) != lost
        assert query(engines, "SELECT count(*) FROM precious") == 0


def test_a_damaged_state_is_reported_with_what_to_do(used_dir: Path) -> None:
    state_file = used_dir / "state.json"
    whole = state_file.read_text()
    state_file.write_text(whole[:20])
    with pytest.raises(CannotStart, match=r"state\.json is damaged\. Remove it"):
        running_instance(used_dir)
    state_file.write_text(whole)


def test_incomplete_data_of_a_killed_first_start_are_created_again(data_dir: Path) -> None:
    half = data_dir / "postgres-unfinished"
    half.mkdir(parents=True)
    data_dir.chmod(0o711)
    (half / "PG_VERSION").write_text("18\n")
    with Engines(data_dir, durable=False) as engines:
        assert query(engines, "SELECT 1") == 1


def test_a_port_in_use_is_replaced_by_a_free_one() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        assert free_port(port) not in (0, port)
    assert free_port(port) == port


def test_root_names_the_folder_that_the_database_user_cannot_enter(data_dir: Path) -> None:
    closed = data_dir / "closed"
    closed.mkdir(parents=True)
    data_dir.chmod(0o711)
    closed.chmod(0o700)
    if os.geteuid() != 0:  # then the databases run as ourselves, who can
        assert account_for(data_dir) is None
        return
    with pytest.raises(CannotStart, match=rf"cannot enter {closed}\..*OMS_DATA_DIR.*chmod o\+x {closed}"):
        _enter_on_one_line(closed / "data")


def _enter_on_one_line(data_dir: Path) -> None:
    try:
        with Engines(data_dir):
            pass
    except CannotStart as problem:
        raise CannotStart(str(problem).replace("\n", " ")) from problem


def test_unreachable_programs_are_copied_once_and_run_from_there(
    data_dir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Account, "can", lambda *_: False)
    somebody = Account("somebody", os.geteuid(), os.getegid())
    with DataFolder(data_dir) as folder:
        programs = programs_for(somebody, folder)
        assert programs.postgres.is_relative_to(data_dir)
        assert programs_for(somebody, folder) == programs
    for program in (programs.initdb, programs.postgres, programs.valkey):
        assert subprocess.run([program, "--version"], check=True, capture_output=True).stdout
    assert [path for path in data_dir.glob("programs-*/**/*") if not path.stat().st_mode & stat.S_IROTH] == []


def test_a_copy_of_other_versions_is_replaced(data_dir: Path) -> None:
    (data_dir / "programs-0-0").mkdir(parents=True)
    copied = _copy(_site(), data_dir)
    assert _programs_in(copied).postgres.exists()
    assert list(data_dir.glob("programs-*")) == [copied]


def test_logs_are_bounded_while_they_are_written(data_dir: Path) -> None:
    with DataFolder(data_dir) as folder:
        log = folder.log_file("postgres")
        with log.open("ab", buffering=0) as writer:
            writer.write(b"first\n" + b"x" * MAX_LOG_BYTES)
            folder.rotate_logs()
            writer.write(b"second\n")
            folder.rotate_logs()
        assert log.read_bytes() == b"second\n"
        assert log.with_suffix(".log.1").read_bytes().startswith(b"first\n")


STARTS_ENGINES_AND_WAITS = """
    import sys, time
    from pathlib import Path
    from oms.tools.dev_services.embedded import Engines, process
    {preparation}
    with Engines(Path(sys.argv[1])) as engines:
        print("ready", flush=True)
        time.sleep(600)
"""
AS_WITHOUT_LINUX = "process._die_with_parent = lambda _: None"


@pytest.mark.parametrize("preparation", ["", AS_WITHOUT_LINUX], ids=["engines-end-too", "engines-stay"])
def test_engines_start_again_after_their_supervisor_was_killed(used_dir: Path, preparation: str) -> None:
    supervisor = _start(STARTS_ENGINES_AND_WAITS.format(preparation=preparation), used_dir)
    orphans = psutil.Process(supervisor.pid).children(recursive=True)
    supervisor.kill()
    supervisor.wait()
    with Engines(used_dir) as engines:
        assert query(engines, "SELECT 1") == 1
        assert all(is_gone(orphan) for orphan in orphans)


def test_engines_start_again_after_everything_was_killed(used_dir: Path) -> None:
    supervisor = _start(STARTS_ENGINES_AND_WAITS.format(preparation=""), used_dir)
    for process in [psutil.Process(supervisor.pid), *psutil.Process(supervisor.pid).children(recursive=True)]:
        if process.is_running():
            process.kill()
    supervisor.wait()
    with Engines(used_dir) as engines:
        assert query(engines, "SELECT 1") == 1


def test_a_stale_pid_file_with_the_id_of_another_process_is_ignored(used_dir: Path) -> None:
    pid_file = used_dir / "postgres/postmaster.pid"
    pid_file.write_text(f"{os.getppid()}\n{used_dir / 'postgres'}\n0\n5432\n\n127.0.0.1\n0\nready\n")
    with Engines(used_dir, durable=False) as engines:
        assert query(engines, "SELECT 1") == 1


def test_only_recorded_processes_are_stopped_not_later_ones_with_their_id(data_dir: Path) -> None:
    bystander = subprocess.Popen(["sleep", "600"])
    orphan = subprocess.Popen(["sleep", "600"])
    recorded_orphan = psutil.Process(orphan.pid)
    try:
        folder = DataFolder(data_dir)
        folder.record_child(orphan.pid)
        recorded = mark_of(bystander.pid)
        folder._update(children=(*folder._state.children, type(recorded)(recorded.pid, recorded.created_s - 60)))
        folder._lock.close()  # as the system does when its holder is killed
        with DataFolder(data_dir):
            assert is_gone(recorded_orphan)
            assert bystander.poll() is None
    finally:
        for process in (bystander, orphan):
            process.kill()
            process.wait()


def _start(program: str, data_dir: Path) -> subprocess.Popen[bytes]:
    process = subprocess.Popen(
        [sys.executable, "-c", textwrap.dedent(program), str(data_dir)], cwd=PROJECT_DIR, stdout=subprocess.PIPE
    )
    assert process.stdout
    assert process.stdout.readline() == b"ready\n"
    return process
