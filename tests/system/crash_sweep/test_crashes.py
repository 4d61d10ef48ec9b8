"""A part of the sweep, and bugs that it must find. All of it: `python -m tests.system.crash_sweep`."""

import asyncio
import re
from collections.abc import Mapping, Sequence

import pytest

from tests.system.crash_sweep.bugs import BUGS, Bug
from tests.system.crash_sweep.instances import Instances
from tests.system.crash_sweep.scenarios import SCENARIOS
from tests.system.crash_sweep.sweep import Report, Sweep, Target

pytestmark = pytest.mark.trial

POINTS = 24
AT_ONCE = 6
RECORDINGS = 3
BUG_TIMEOUT_S = 6.0
"""With a planted bug: several leases, after which an order that stands still counts as stuck."""


async def test_each_order_ends_as_it_should_with_a_kill_at_every_nth_point(instances: Instances) -> None:
    sweep = Sweep(instances, at_once=AT_ONCE)
    targets = await sweep.record(SCENARIOS.values(), again_warm=False)
    left, killed = targets[len(targets) // POINTS // 2 :: len(targets) // POINTS], 0
    for _ in range(RECORDINGS):  # how often a retry reads an order depends on the machine's load: try again
        report = await sweep.run(left)
        assert [str(violation) for violation in report.violations] == []
        left, killed = report.not_reached, killed + len(report.killed)
        if not left:
            break
    assert [str(target) for target in left] == []
    assert killed >= POINTS


@pytest.fixture(scope="module")
async def reports(instances: Instances) -> Mapping[str, Report]:
    """What the sweep finds with each bug planted; in parallel, for most of them wait for what never happens."""
    names = {bug.scenario for bug in BUGS.values()}
    sweep = Sweep(instances, at_once=len(names))
    targets = await sweep.record([SCENARIOS[name] for name in sorted(names)], again_warm=False)
    reports = await asyncio.gather(*(_sweep_with(instances, bug, targets) for bug in BUGS.values()))
    return dict(zip(BUGS, reports, strict=True))


async def _sweep_with(instances: Instances, bug: Bug, recorded: Sequence[Target]) -> Report:
    sweep = Sweep(instances, at_once=1, bug=bug.name, timeout_s=BUG_TIMEOUT_S)
    targets = [] if bug.adds_points else _points_of(bug, recorded)
    report = Report()
    for _ in range(RECORDINGS):  # on a busy machine, a worker may claim with other work, now or when it was recorded
        targets = targets or _points_of(bug, await sweep.record([SCENARIOS[bug.scenario]], again_warm=False))
        report = await sweep.run(targets, first_only=True)
        if report.killed:
            break
        targets = []
    return report


def _points_of(bug: Bug, recorded: Sequence[Target]) -> list[Target]:
    return [
        target
        for target in recorded
        if target.scenario.name == bug.scenario and all(part in str(target) for part in bug.at)
    ]


@pytest.mark.parametrize("bug", BUGS.values(), ids=lambda bug: bug.name)
def test_a_planted_bug_is_found(reports: Mapping[str, Report], bug: Bug) -> None:
    report = reports[bug.name]
    assert report.killed, "no process was killed where the bug shows"
    assert report.violations, "not found"
    assert re.search(bug.symptom, report.violations[0].what)
