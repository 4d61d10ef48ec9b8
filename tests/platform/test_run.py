"""`python -m oms run` as a person lives with it: started, used, stopped, killed, started again."""

import resource
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable
from pathlib import Path

import psutil
import pytest
from typer.testing import CliRunner

from oms.platform.settings import PROJECT_DIR
from oms.tools.cli.main import app
from oms.tools.dev_services.embedded import running_instance
from oms.tools.dev_services.embedded.ports import free_port
from tests.platform.conftest import Environment, Instance, clean_environment, is_gone, oms

Start = Callable[..., Instance]


def answers(url: str) -> bool:
    try:
        urllib.request.urlopen(url, timeout=10).close()
    except urllib.error.HTTPError:
        return True
    except OSError:
        return False
    return True


def test_it_starts_shows_its_steps_is_found_and_leaves_no_process(start: Start, environment: Environment) -> None:
    first = start()
    first.wait_until_ready()
    assert answers(first.url)
    for step in ("PostgreSQL", "Valkey", "Migrations", "Demo", "Web and workers", "A token"):
        assert step in first.output
    issued = oms(environment, "token", "--role", "SUPPORT", "--name", "me")
    assert issued.stdout.startswith("oms_")
    assert issued.stdout.count("\n") == 1

    family = first.tree()
    assert first.stop(signal.SIGINT) == 0
    assert [process for process in family if not is_gone(process)] == []
    assert "Traceback" not in first.output
    assert "did not stop in time" not in first.output
    assert running_instance(Path(environment["OMS_DATA_DIR"])) is None


@pytest.mark.trial
def test_a_second_start_takes_little_of_a_processor(start: Start) -> None:
    """Compared with importing the program, measured on either side of it: who shares a core slows both."""
    first = start()
    first.wait_until_ready()
    assert first.stop(signal.SIGINT) == 0
    imports_s = [_import_cpu_s()]
    second = start()
    second.wait_until_ready()
    taken_s = second.cpu_s()
    assert second.stop(signal.SIGTERM) == 0
    imports_s.append(_import_cpu_s())
    assert taken_s < 5 * max(imports_s)  # two processes import it


def _import_cpu_s() -> float:
    """Processor time of a process that imports the web process's program."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    subprocess.run([sys.executable, "-c", "import oms.app, oms.schema.schema, oms.tools.serve"], check=True)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def test_it_starts_again_after_everything_was_killed(start: Start) -> None:
    killed = start()
    killed.wait_until_ready()
    for process in [psutil.Process(killed.process.pid), *killed.tree()]:
        if process.is_running():
            process.kill()
    killed.process.wait()
    again = start()
    again.wait_until_ready()
    assert answers(again.url)


def test_it_starts_again_after_it_alone_was_killed(start: Start) -> None:
    killed = start()
    killed.wait_until_ready()
    port = killed.url.rsplit(":", 1)[1]
    family = killed.tree()
    killed.process.kill()
    killed.process.wait()
    again = start(OMS_PORT=port)
    again.wait_until_ready()
    assert answers(again.url)
    assert [process for process in family if not is_gone(process)] == []


@pytest.mark.parametrize(
    ("words", "name"),
    [(("oms", "web"), "web 1"), (("oms", "worker"), "worker 1"), (("valkey",), "valkey"), (("postgres",), "postgres")],
)
def test_a_child_that_dies_is_started_again_and_the_log_says_why(
    shared: Instance, words: tuple[str, ...], name: str
) -> None:
    before = shared.child(*words)
    before.kill()
    shared.wait_until(lambda: f'"child":"{name}","reason":"killed by SIGKILL"' in shared.output)

    def back() -> bool:
        try:
            return shared.child(*words).pid != before.pid
        except (ValueError, psutil.Error):
            return False

    shared.wait_until(back)
    shared.wait_until(lambda: answers(shared.url))


def test_a_second_instance_in_the_same_folder_is_refused_with_the_first_ones_port(shared: Instance) -> None:
    refused = oms(shared.environment, "run")
    assert refused.returncode == 1
    port = shared.url.rsplit(":", 1)[1]
    assert f"(process {shared.process.pid}, listening on port {port})" in refused.stderr
    assert "Traceback" not in refused.stderr


def test_a_taken_port_is_named_with_a_way_out(environment: Environment) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        refused = oms(environment | {"OMS_PORT": str(port)}, "run")
    assert refused.returncode == 1
    assert f"Cannot listen on port {port} of 127.0.0.1: Address already in use" in refused.stderr
    assert "set OMS_PORT to another port" in refused.stderr
    assert "Traceback" not in refused.stderr
    assert [process for process in psutil.process_iter() if _works_in(process, environment)] == []


def _works_in(process: psutil.Process, environment: Environment) -> bool:
    try:
        return process.cwd().startswith(environment["OMS_DATA_DIR"])
    except psutil.Error:
        return False


def test_web_and_worker_run_alone_against_given_engines(shared: Instance, open_dir: Path, tmp_path: Path) -> None:
    """As in production: the URLs are all they need."""
    instance = running_instance(Path(shared.environment["OMS_DATA_DIR"]))
    assert instance
    engines = {"OMS_DATABASE_URL": instance.database_url, "OMS_REDIS_URL": instance.redis_url}
    environment = clean_environment(open_dir / "unused") | engines | {"OMS_PORT": str(free_port(0))}
    for command in ("web", "worker"):
        with (tmp_path / command).open("wb") as output:
            alone = subprocess.Popen(
                [sys.executable, "-m", "oms", command], cwd=PROJECT_DIR, env=environment, stderr=output
            )
        try:
            if command == "web":
                shared.wait_until(lambda: answers(f"http://127.0.0.1:{environment['OMS_PORT']}"))
            else:
                time.sleep(3)
                assert alone.poll() is None, (tmp_path / command).read_text()
        finally:
            alone.terminate()
            assert alone.wait(30) in (0, -signal.SIGTERM)
    assert not (open_dir / "unused/postgres").exists()


@pytest.mark.parametrize("command", ["web", "worker", "token", "migrate", "check"])
def test_commands_without_an_instance_say_how_to_get_one(environment: Environment, command: str) -> None:
    arguments = ("--role", "SUPPORT", "--name", "me") if command == "token" else ()
    refused = oms(environment, command, *arguments)
    assert refused.returncode == (2 if command == "check" else 1)
    assert f"No instance runs in {environment['OMS_DATA_DIR']}.\nStart one (make run)" in refused.stderr
    assert "Traceback" not in refused.stderr


@pytest.mark.parametrize("command", ["web", "worker", "token"])
def test_commands_refuse_a_database_without_migrations(
    shared: Instance, environment: Environment, command: str
) -> None:
    instance = running_instance(Path(shared.environment["OMS_DATA_DIR"]))
    assert instance
    empty = instance.owner_url.rsplit("/", 1)[0] + "/postgres"
    arguments = ("--role", "SUPPORT", "--name", "me") if command == "token" else ()
    engines = {"OMS_DATABASE_URL": empty, "OMS_REDIS_URL": instance.redis_url}
    refused = oms(environment | engines, command, *arguments)
    assert refused.returncode == 1
    assert "run: python -m oms migrate" in refused.stderr
    assert "Traceback" not in refused.stderr


@pytest.mark.parametrize("command", ["web", "worker", "migrate", "run"])
def test_commands_name_a_database_that_does_not_answer(environment: Environment, command: str) -> None:
    engines = {"OMS_DATABASE_URL": "postgresql://oms@127.0.0.1:1/oms", "OMS_REDIS_URL": "redis://127.0.0.1:1/0"}
    refused = oms(environment | engines, command)
    assert refused.returncode == 1
    assert "The database postgresql://oms@127.0.0.1:1/oms cannot be reached" in refused.stderr
    assert "Traceback" not in refused.stderr


def test_a_misspelt_setting_is_mentioned_and_a_bad_one_refused(environment: Environment) -> None:
    refused = oms(environment | {"OMS_WROKERS": "2", "OMS_PORT": "eighty"}, "run")
    assert refused.returncode == 2
    assert "OMS_WROKERS is not a setting of this program" in refused.stderr
    assert "OMS_PORT is 'eighty'" in refused.stderr
    assert "Traceback" not in refused.stderr


def test_every_command_has_a_help() -> None:
    runner = CliRunner()
    overview = runner.invoke(app, ["--help"]).stdout
    for command in ("run", "web", "worker", "sandbox", "migrate", "token", "replay", "check", "reference"):
        assert command in overview
        assert runner.invoke(app, [command, "--help"]).exit_code == 0


def test_a_token_is_refused_in_a_sentence(shared: Instance) -> None:
    refused = oms(shared.environment, "token", "--role", "CUSTOMER", "--name", "nobody")
    assert (refused.returncode, refused.stdout) == (1, "")
    assert "customer reference" in refused.stderr
    assert "Traceback" not in refused.stderr
