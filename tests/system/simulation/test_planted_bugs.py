"""The simulation finds each planted bug: so it does check the rules."""

import pytest

from tests.system.simulation.bugs import BUGS, Bug, planted
from tests.system.simulation.simulator import Simulator

pytestmark = pytest.mark.trial

MAX_SEEDS = 40
STEPS = 200


@pytest.mark.parametrize("bug", BUGS, ids=lambda bug: bug.name)
def test_a_planted_bug_is_found(simulator: Simulator, bug: Bug) -> None:
    with planted(bug):
        found = any(simulator.history(seed, STEPS, **bug.profile).violations for seed in range(1, MAX_SEEDS + 1))
    assert found, f"not found in {MAX_SEEDS} histories of {STEPS} steps"
