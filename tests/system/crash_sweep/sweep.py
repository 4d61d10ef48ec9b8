"""Records the points of every scenario, then plays the scenario again for each point and kills a process there."""

import asyncio
import time
from collections import Counter, deque
from collections.abc import Callable, Coroutine, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from tests.system.crash_sweep.instances import Instance, Instances
from tests.system.crash_sweep.journey import Journey
from tests.system.crash_sweep.kill_switch import Point
from tests.system.crash_sweep.scenarios import Scenario

TRIES: Final = 4
"""How often a scenario is played to reach one point: not every run passes what depends on timing."""

CHECK_EVERY: Final = 10
TIMEOUT_S: Final = 15.0


@dataclass(frozen=True, slots=True)
class Target:
    """A point in a scenario."""

    scenario: Scenario
    point: Point

    def __str__(self) -> str:
        return f"{self.scenario.name}, {self.point}"


@dataclass(frozen=True, slots=True)
class Violation:
    """What was wrong after killing a process at the last of these targets, or at any of them."""

    targets: Sequence[Target]
    what: str

    def __str__(self) -> str:
        return "\n".join([*map(str, self.targets), f"  {self.what}"])


@dataclass(slots=True)
class Report:
    """`plays` counts the orders: some points take more than one to reach."""

    killed: list[Target] = field(default_factory=list)
    not_reached: list[Target] = field(default_factory=list)
    violations: list[Violation] = field(default_factory=list)
    checks: int = 0
    plays: int = 0
    took_s: float = 0.0

    def kills_by_process(self) -> Mapping[str, int]:
        return Counter(target.point.process for target in self.killed)


class Sweep:
    """Plays scenarios on several instances at once. `bug` is planted in their web and worker processes."""

    def __init__(
        self,
        instances: Instances,
        *,
        at_once: int,
        bug: str = "",
        timeout_s: float = TIMEOUT_S,
        report_progress: Callable[[str], None] = lambda _: None,
    ) -> None:
        self._instances = instances
        self._at_once = at_once
        self._bug = bug
        self._timeout_s = timeout_s
        self._report_progress = report_progress
        self._played = 0

    async def record(self, scenarios: Iterable[Scenario], *, again_warm: bool = True) -> list[Target]:
        """All points that fresh processes pass in these scenarios; `again_warm`: and those that used ones pass."""
        waiting = deque(scenarios)
        found: dict[str, list[Target]] = {scenario.name: [] for scenario in waiting}

        async def work() -> None:
            async with await self._instances.create(self._bug) as instance:
                while waiting:
                    scenario = waiting.popleft()
                    points = await self._recorded(instance, scenario, renew=True)
                    if again_warm:
                        points |= await self._recorded(instance, scenario, renew=False)
                    found[scenario.name] = [Target(scenario, point) for point in points]

        await self._in_parallel(work, len(waiting))
        return [target for targets in found.values() for target in targets]

    async def _recorded(self, instance: Instance, scenario: Scenario, *, renew: bool) -> dict[Point, None]:
        await instance.set_up(scenario.conditions)
        if renew:
            await instance.renew()
        for switch in instance.kill_switches.values():
            switch.record()
        wrong = await self._play(instance, scenario)
        points = [point for switch in instance.kill_switches.values() for point in switch.recorded()]
        if wrong:
            raise AssertionError(f"{scenario.name}, without a kill: {wrong}")
        return dict.fromkeys(points)

    async def run(self, targets: Iterable[Target], *, first_only: bool = False) -> Report:
        """Kills a process at each target, one at a time on each instance; `first_only`: until the first violation."""
        started_s, report, waiting = time.monotonic(), Report(), list(targets)

        async def work() -> None:
            while waiting and not (first_only and report.violations):
                # After a violation the next instance starts on a clean database.
                async with await self._instances.create(self._bug) as instance:
                    await self._use(instance, waiting, report)

        await self._in_parallel(work, len(waiting))
        report.took_s = time.monotonic() - started_s
        return report

    async def _use(self, instance: Instance, waiting: list[Target], report: Report) -> None:
        """Until no target is left, or a rule is violated."""
        unchecked: list[Target] = []
        while waiting:
            target = _next(waiting, unchecked)
            unchecked.append(target)
            if wrong := await self._kill_at(instance, target, report):
                report.violations.append(Violation([target], wrong))
                return
            if len(unchecked) == CHECK_EVERY or not waiting:
                report.checks += 1
                if wrong := await instance.check():
                    report.violations.append(Violation(unchecked, wrong))
                    return
                unchecked = unchecked[-1:] if not waiting else []
            self._report_progress(
                f"{len(report.killed)} killed, {len(waiting)} to go, {len(report.violations)} violations"
            )

    async def _kill_at(self, instance: Instance, target: Target, report: Report) -> str:
        """Returns what is wrong afterwards; empty if nothing is."""
        await instance.set_up(target.scenario.conditions)
        switch = instance.kill_switches[target.point.process]
        for number in range(TRIES):
            if number % 2:
                await instance.renew()
            switch.arm(target.point)
            wrong = await self._play(instance, target.scenario)
            report.plays += 1
            killed = switch.disarm()
            if killed:
                report.killed.append(target)
            if killed or wrong:
                return wrong
        report.not_reached.append(target)
        return ""

    async def _play(self, instance: Instance, scenario: Scenario) -> str:
        """Plays the scenario to its end; returns what is wrong, empty if nothing is."""
        self._played += 1
        instance.clear_logs()
        journey = Journey(instance, f"{scenario.name}-{self._played}", self._timeout_s)
        try:
            await scenario.play(journey)
            ended = await journey.until(lambda state: state.is_over, retrying=True)
        except AssertionError as problem:
            return f"{type(problem).__name__}: {problem}\n{instance.logged()}"
        if (ended.status, ended.shipments) != (scenario.ends, scenario.shipments):
            return f"ended as {ended.status} {ended.shipments}, not as {scenario.ends} {scenario.shipments}"
        if list(ended.notes) != journey.noted:
            return f"has the notes {ended.notes}, not {journey.noted}"
        if ended.attempts != journey.attempts:
            return f"has {ended.attempts} attempts to deliver, not {journey.attempts}"
        return "; ".join(journey.provider_errors(ended))

    async def _in_parallel(self, work: Callable[[], Coroutine[Any, Any, None]], most: int) -> None:
        async with asyncio.TaskGroup() as group:
            for _ in range(min(self._at_once, most)):
                group.create_task(work())


def _next(waiting: list[Target], before: Sequence[Target]) -> Target:
    """Prefers a target under the same conditions as the last one: its processes need not be set up again."""
    if before:
        for index, target in enumerate(waiting):
            if target.scenario.conditions == before[-1].scenario.conditions:
                return waiting.pop(index)
    return waiting.pop(0)
