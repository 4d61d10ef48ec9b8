"""Supervised children: one that ended is restarted, with growing pauses, and the log says why."""

import subprocess
import sys
import time
from collections.abc import Callable

import pytest
from structlog.testing import capture_logs

from oms.platform.settings import CannotStart
from oms.tools.dev_services.supervisor.steps import Steps
from oms.tools.dev_services.supervisor.watch import STABLE_S, Watched, ended, restart_pause_s, stop_all

OBEDIENT = "import time; print('up', flush=True); time.sleep(600)"
DEAF = "import signal; signal.signal(signal.SIGTERM, signal.SIG_IGN); " + OBEDIENT


def python(program: str) -> Callable[[], subprocess.Popen[bytes]]:
    def start() -> subprocess.Popen[bytes]:
        process = subprocess.Popen([sys.executable, "-c", program], stdout=subprocess.PIPE)
        assert process.stdout
        process.stdout.readline()
        return process

    return start


@pytest.mark.parametrize(("failures", "pause_s"), [(1, 0.5), (2, 1), (3, 2), (6, 16), (7, 30), (1000, 30)])
def test_each_end_doubles_the_pause_up_to_half_a_minute(failures: int, pause_s: float) -> None:
    assert restart_pause_s(failures) == pause_s


@pytest.mark.parametrize(("returncode", "words"), [(3, "exit code 3"), (0, "exit code 0"), (-9, "killed by SIGKILL")])
def test_the_end_of_a_child_is_told_in_words(returncode: int, words: str) -> None:
    assert ended(returncode) == words


def test_a_child_that_ended_is_started_again_after_its_pause() -> None:
    child = Watched("web 1", python("raise SystemExit(3)"), stop_timeout_s=1)
    child.launch()
    assert child.process
    child.process.wait()
    with capture_logs() as lines:
        child.check()
    assert [(line["child"], line["reason"], line["pause_s"]) for line in lines] == [("web 1", "exit code 3", 0.5)]
    ended_one = child.process
    child.check()
    assert child.process is ended_one
    time.sleep(0.5)
    child.check()
    assert child.process is not ended_one
    child.process.wait()


def test_a_child_that_ran_long_starts_with_the_shortest_pause_again() -> None:
    child = Watched("web 1", python("raise SystemExit(3)"), stop_timeout_s=1)
    child.launch()
    assert child.process
    child.process.wait()
    child.failures = 5
    child.started_s = time.monotonic() - STABLE_S
    child.check()
    assert child.failures == 1


def test_a_child_that_cannot_be_started_is_tried_again_later() -> None:
    def refuse() -> subprocess.Popen[bytes]:
        raise CannotStart("PostgreSQL did not start.")

    child = Watched("postgres", refuse, stop_timeout_s=1, due_s=time.monotonic())
    with capture_logs() as lines:
        child.check()
    assert [line["reason"] for line in lines] == ["PostgreSQL did not start."]
    assert child.due_s


def test_who_does_not_stop_in_time_is_killed() -> None:
    children = [Watched("obedient", python(OBEDIENT), 5), Watched("deaf", python(DEAF), 0.2)]
    for child in children:
        child.launch()
    with capture_logs() as lines:
        stop_all(children)
    assert [child.process and child.process.returncode for child in children] == [-15, -9]
    assert [line["child"] for line in lines] == ["deaf"]


def test_each_step_is_shown_with_its_start_time(capsys: pytest.CaptureFixture[str]) -> None:
    times = iter([10.0, 10.0, 11.5])
    steps = Steps(clock=lambda: next(times))
    steps("PostgreSQL")
    steps("Valkey")
    assert capsys.readouterr().out == "  0.0 s  PostgreSQL\n  1.5 s  Valkey\n"
