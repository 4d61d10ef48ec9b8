"""A safeguard taken out of the product is missed by the simulation: so it does look."""

import pytest

from tests.system.simulation.planted import BUGS, Bug, planted
from tests.system.simulation.simulator import Simulator

MOST_SEEDS = 40
STEPS = 200


@pytest.mark.parametrize("bug", BUGS, ids=lambda bug: bug.name)
def test_a_planted_bug_is_found(simulator: Simulator, bug: Bug) -> None:
    with planted(bug):
        found = any(simulator.history(seed, STEPS, **bug.temper).violations for seed in range(1, MOST_SEEDS + 1))
    assert found, f"not found in {MOST_SEEDS} histories of {STEPS} steps"
