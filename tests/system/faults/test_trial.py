"""One seed under load with real processes; `python -m tests.system.faults` runs many, and all kinds of faults."""

import os

import pytest

from tests.system.faults.fault_kinds import KINDS, schedule
from tests.system.faults.trial import Trial, run

SEED = int(os.environ.get("OMS_TEST_FAULTS_SEED", "7"))
INJECTED = (
    "cut during COMMIT",
    "PostgreSQL restarted",
    "worker killed",
    "Valkey flushed",
    "providers' answers lost",
)


@pytest.mark.trial
def test_nothing_acknowledged_is_lost_and_nothing_unrequested_appears() -> None:
    outcome = run(Trial(SEED, operations=1500, faults=len(INJECTED), scale=0.1, kinds=INJECTED))
    assert outcome.violations == [], "\n".join([f"seed {SEED}", *outcome.timeline])
    assert {recovery.kind for recovery in outcome.recoveries} == set(INJECTED)
    assert outcome.operations.total() >= 1500


def test_the_same_seed_plans_the_same_faults() -> None:
    first, second = (schedule(3, count=50, scale=0.5, kinds=list(KINDS)) for _ in range(2))
    assert first == second != schedule(4, count=50, scale=0.5, kinds=list(KINDS))


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_of_fault_comes_before_one_comes_twice(kind: str) -> None:
    planned = [fault.kind for fault in schedule(1, count=len(KINDS), scale=1, kinds=list(KINDS))]
    assert planned.count(kind) == 1
