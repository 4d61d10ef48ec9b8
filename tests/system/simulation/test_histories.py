"""Whatever happens in whichever order, every rule holds after every step, and everything ends."""

import os
import subprocess
import sys
from dataclasses import replace

import pytest

from oms.tools.dev_services.embedded import Engines
from tests.system.simulation.bugs import BUGS, planted
from tests.system.simulation.simulator import Simulator, shortest

SEEDS = range(1, 21)
STEPS = 100

REPEATABLE = 9
"""A seed without the one thing that PostgreSQL decides: which of two statements continues first that wait for a row
when a commit has changed it. In some histories, such as that of seed 7, the outcome depends on it."""


@pytest.mark.parametrize("seed", SEEDS)
def test_every_rule_holds_in_every_history(simulator: Simulator, seed: int) -> None:
    outcome = simulator.history(seed, STEPS)
    assert not outcome.violations, shortest(simulator, outcome).text


def test_a_seed_gives_the_same_history_byte_for_byte(simulator: Simulator) -> None:
    first, between, again = (simulator.history(seed, 200) for seed in (REPEATABLE, 8, REPEATABLE))
    assert first.text == again.text
    assert first.text != between.text


def test_a_seed_gives_the_same_history_in_another_process(simulator: Simulator, engines: Engines) -> None:
    here = simulator.history(REPEATABLE, STEPS).text
    there = subprocess.run(
        [
            *(sys.executable, "-m", "tests.system.simulation", "--seeds", "1", "--seed", str(REPEATABLE)),
            *("--steps", str(STEPS), "--verbose", "--database-url", engines.owner_url),
        ],
        env=os.environ | {"PYTHONHASHSEED": "12345"},
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    assert there.startswith(here)


def test_a_failing_history_is_shortened_to_one_that_replays(simulator: Simulator) -> None:
    [bug] = [bug for bug in BUGS if bug.name == "release_stock_twice"]
    with planted(bug):
        failed = simulator.history(1, 200)
        short = shortest(simulator, failed)
        again = simulator.history(1, short.taken)
    assert short.violations
    assert len(short.taken) < len(failed.taken) / 4
    assert again == replace(short, turns=again.turns)
