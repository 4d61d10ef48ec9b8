"""A part of the sweep, and bugs that the sweep must find; the whole of it: `python -m tests.system.crash_sweep`."""

import asyncio
import re
from collections.abc import Mapping, Sequence

import pytest

from tests.system.crash_sweep.bugs import BUGS, Bug
from tests.system.crash_sweep.ground import Ground
from tests.system.crash_sweep.sweep import Report, Spot, Sweep
from tests.system.crash_sweep.ways import WAYS

POINTS = 24
INSTANCES = 6
SOON_S = 6.0
"""How long a planted bug may keep an order from going on before that counts as for ever: some leases long."""


async def test_whatever_is_killed_at_every_nth_point_of_every_way_each_order_ends_as_it_should(ground: Ground) -> None:
    sweep = Sweep(ground, instances=INSTANCES)
    spots = await sweep.record(WAYS.values(), again_warm=False)
    report = await sweep.run(spots[len(spots) // POINTS // 2 :: len(spots) // POINTS])
    assert [str(violation) for violation in report.violations] == []
    assert [str(spot) for spot in report.not_reached] == []
    assert len(report.killed) >= POINTS


@pytest.fixture(scope="module")
async def found(ground: Ground) -> Mapping[str, Report]:
    """What the sweep finds with each bug planted, all side by side: they mostly wait for what never comes."""
    ways = {bug.way for bug in BUGS.values()}
    spots = await Sweep(ground, instances=len(ways)).record([WAYS[way] for way in sorted(ways)], again_warm=False)
    reports = await asyncio.gather(*(_sweep_with(ground, bug, spots) for bug in BUGS.values()))
    return dict(zip(BUGS, reports, strict=True))


async def _sweep_with(ground: Ground, bug: Bug, recorded: Sequence[Spot]) -> Report:
    sweep = Sweep(ground, instances=1, bug=bug.name, patience_s=SOON_S)
    spots = [spot for spot in recorded if spot.way.name == bug.way]
    if bug.adds_points:
        spots = await sweep.record([WAYS[bug.way]], again_warm=False)
    return await sweep.run([spot for spot in spots if all(part in str(spot) for part in bug.at)], first_only=True)


@pytest.mark.parametrize("bug", BUGS.values(), ids=lambda bug: bug.name)
def test_a_planted_bug_is_found(found: Mapping[str, Report], bug: Bug) -> None:
    report = found[bug.name]
    assert report.killed, "nobody was killed where the bug shows"
    assert report.violations, "not found"
    assert re.search(bug.found_as, report.violations[0].what)
