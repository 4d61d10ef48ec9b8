"""Instances as people start them: real processes of `python -m oms`, each in its own folder."""

import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import psutil
import pytest

from oms.platform.settings import PROJECT_DIR, CannotStart
from oms.tools.dev_services.embedded.account import ROOT, account_for_program
from tests import oms_process

CompletedProcess = subprocess.CompletedProcess[str]
Environment = dict[str, str]
READY_WITHIN_S = 60.0


@dataclass
class Instance:
    """One `python -m oms run` with its output in a file."""

    process: subprocess.Popen[bytes]
    output_file: Path
    environment: Environment

    @property
    def output(self) -> str:
        return self.output_file.read_text()

    @property
    def url(self) -> str:
        found = re.search(r"http://[\d.]+:\d+", self.output)
        assert found, self.output
        return found.group()

    def wait_until(self, condition: Callable[[], bool], within_s: float = READY_WITHIN_S) -> None:
        deadline_s = time.monotonic() + within_s
        while not condition():
            assert time.monotonic() < deadline_s, self.output
            time.sleep(0.02)

    def wait_until_ready(self) -> None:
        self.wait_until(lambda: "  Stop  " in self.output or self.process.poll() is not None)
        assert self.process.poll() is None, self.output

    def tree(self) -> list[psutil.Process]:
        """All its descendants."""
        return psutil.Process(self.process.pid).children(recursive=True)

    def child(self, *words: str) -> psutil.Process:
        """Its only child process with these words in its command line."""
        children = psutil.Process(self.process.pid).children()
        (found,) = [child for child in children if all(word in " ".join(child.cmdline()) for word in words)]
        return found

    def cpu_s(self) -> float:
        """Processor time of the processes that a start waits for: itself and the web process."""
        times = [psutil.Process(self.process.pid).cpu_times(), self.child("oms", "web").cpu_times()]
        return sum(each.user + each.system for each in times)

    def stop(self, number: signal.Signals = signal.SIGINT) -> int:
        self.process.send_signal(number)
        return self.process.wait(40)


def is_gone(process: psutil.Process) -> bool:
    return not process.is_running() or process.status() == psutil.STATUS_ZOMBIE


def clean_environment(data_dir: Path) -> Environment:
    """Only a data folder, any free port, and a JSON log as settings."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("OMS_")}
    own = {"OMS_DATA_DIR": str(data_dir), "OMS_PORT": "0", "OMS_LOG_FORMAT": "json", "OMS_RUN_AS": program_user()}
    return kept | own


def program_user() -> str:
    """Who runs web and workers: root stays root where no other user can read the Python that runs the tests."""
    try:
        account = account_for_program(None)
    except CannotStart:
        return ROOT
    return account.name if account else ROOT


def launch(environment: Environment, output_file: Path) -> Instance:
    with output_file.open("wb") as output:
        process = subprocess.Popen(
            [sys.executable, "-m", "oms", "run"],
            cwd=PROJECT_DIR,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
        )
    return Instance(process, output_file, environment)


@pytest.fixture
def environment(open_dir: Path) -> Environment:
    """The tests share its folder, one after the other, as creating a database takes seconds."""
    return clean_environment(open_dir / "in turn")


@pytest.fixture
def start(environment: Environment, tmp_path: Path) -> Iterator[Callable[..., Instance]]:
    """Starts instances with the given settings; stops those that a test leaves running."""
    instances: list[Instance] = []

    def begin(**settings: str) -> Instance:
        instances.append(launch(environment | settings, tmp_path / f"output-{len(instances)}"))
        return instances[-1]

    yield begin
    for instance in instances:
        if instance.process.poll() is None:
            instance.stop(signal.SIGTERM)


@pytest.fixture(scope="module")
def shared(open_dir: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Instance]:
    """One instance that the tests of a module share."""
    instance = launch(clean_environment(open_dir / "shared"), tmp_path_factory.mktemp("shared") / "output")
    instance.wait_until_ready()
    yield instance
    assert instance.stop(signal.SIGTERM) == 0


def oms(environment: Environment, *arguments: str, within_s: float = oms_process.TIMEOUT_S) -> CompletedProcess:
    """Runs one command to its end."""
    return oms_process.oms(*arguments, environment=environment, within_s=within_s)
