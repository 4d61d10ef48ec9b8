"""Records the points of every way, then plays the way again for each of them and kills a process there."""

import asyncio
import time
from collections import Counter, deque
from collections.abc import Callable, Coroutine, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from tests.system.crash_sweep.ground import Ground, Instance
from tests.system.crash_sweep.journey import Journey
from tests.system.crash_sweep.points import Point
from tests.system.crash_sweep.ways import Way

TRIES: Final = 4
"""How often a way is played to reach one point: what depends on the moment is not passed each time."""

CHECK_EVERY: Final = 10
PATIENCE_S: Final = 15.0


@dataclass(frozen=True, slots=True)
class Spot:
    """A point on a way."""

    way: Way
    point: Point

    def __str__(self) -> str:
        return f"{self.way.name}, {self.point}"


@dataclass(frozen=True, slots=True)
class Violation:
    """What was wrong, seen after killing a process at the last of these spots, or at any of them."""

    spots: Sequence[Spot]
    what: str

    def __str__(self) -> str:
        return "\n".join([*map(str, self.spots), f"  {self.what}"])


@dataclass(slots=True)
class Report:
    """What came of it. `plays` counts the orders: some points take more than one to be reached."""

    killed: list[Spot] = field(default_factory=list)
    not_reached: list[Spot] = field(default_factory=list)
    violations: list[Violation] = field(default_factory=list)
    checks: int = 0
    plays: int = 0
    took_s: float = 0.0

    def kills_by_process(self) -> Mapping[str, int]:
        return Counter(spot.point.process for spot in self.killed)


class Sweep:
    """Plays ways on several instances at once. `bug` is planted in their web and worker processes."""

    def __init__(
        self,
        ground: Ground,
        *,
        instances: int,
        bug: str = "",
        patience_s: float = PATIENCE_S,
        tell: Callable[[str], None] = lambda _: None,
    ) -> None:
        self._ground = ground
        self._instances = instances
        self._bug = bug
        self._patience_s = patience_s
        self._tell = tell
        self._played = 0

    async def record(self, ways: Iterable[Way], *, again_warm: bool = True) -> list[Spot]:
        """All points of these ways, as fresh processes pass them; `again_warm`: and those that are no longer fresh."""
        waiting = deque(ways)
        found: dict[str, list[Spot]] = {way.name: [] for way in waiting}

        async def work() -> None:
            async with await self._ground.instance(self._bug) as instance:
                while waiting:
                    way = waiting.popleft()
                    points = await self._recorded(instance, way, renew=True)
                    if again_warm:
                        points |= await self._recorded(instance, way, renew=False)
                    found[way.name] = [Spot(way, point) for point in points]

        await self._side_by_side(work, len(waiting))
        return [spot for spots in found.values() for spot in spots]

    async def _recorded(self, instance: Instance, way: Way, *, renew: bool) -> dict[Point, None]:
        await instance.under(way.conditions)
        if renew:
            await instance.renew()
        for board in instance.boards.values():
            board.record()
        wrong = await self._play(instance, way)
        points = [point for board in instance.boards.values() for point in board.recorded()]
        if wrong:
            raise AssertionError(f"{way.name}, with nobody killed: {wrong}")
        return dict.fromkeys(points)

    async def run(self, spots: Iterable[Spot], *, first_only: bool = False) -> Report:
        """Kills a process at each spot, one at a time on each instance; `first_only`: until the first violation."""
        began_s, report, waiting = time.monotonic(), Report(), list(spots)

        async def work() -> None:
            while waiting and not (first_only and report.violations):
                # Where a rule is broken, the next instance begins on a clean database.
                async with await self._ground.instance(self._bug) as instance:
                    await self._use(instance, waiting, report)

        await self._side_by_side(work, len(waiting))
        report.took_s = time.monotonic() - began_s
        return report

    async def _use(self, instance: Instance, waiting: list[Spot], report: Report) -> None:
        """Until nothing waits, or a rule is broken."""
        unchecked: list[Spot] = []
        while waiting:
            spot = _next(waiting, unchecked)
            unchecked.append(spot)
            if wrong := await self._kill_at(instance, spot, report):
                report.violations.append(Violation([spot], wrong))
                return
            if len(unchecked) == CHECK_EVERY or not waiting:
                report.checks += 1
                if wrong := await instance.check():
                    report.violations.append(Violation(unchecked, wrong))
                    return
                unchecked = unchecked[-1:] if not waiting else []
            self._tell(f"{len(report.killed)} killed, {len(waiting)} to go, {len(report.violations)} violations")

    async def _kill_at(self, instance: Instance, spot: Spot, report: Report) -> str:
        """What is wrong then; empty where nothing is."""
        await instance.under(spot.way.conditions)
        board = instance.boards[spot.point.process]
        for number in range(TRIES):
            if number % 2:
                await instance.renew()
            board.arm(spot.point)
            wrong = await self._play(instance, spot.way)
            report.plays += 1
            killed = board.disarm()
            if killed:
                report.killed.append(spot)
            if killed or wrong:
                return wrong
        report.not_reached.append(spot)
        return ""

    async def _play(self, instance: Instance, way: Way) -> str:
        """Plays the way to its end and looks how it ended; what is wrong, or nothing."""
        self._played += 1
        instance.forget_what_was_said()
        journey = Journey(instance, f"{way.name}-{self._played}", self._patience_s)
        try:
            await way.play(journey)
            ended = await journey.until(lambda state: state.is_over, retrying=True)
        except AssertionError as problem:
            return f"{type(problem).__name__}: {problem}\n{instance.said()}"
        if (ended.status, ended.shipments) != (way.ends, way.shipments):
            return f"ended as {ended.status} {ended.shipments}, not as {way.ends} {way.shipments}"
        return "; ".join(journey.wrong_with_providers(ended))

    async def _side_by_side(self, work: Callable[[], Coroutine[Any, Any, None]], most: int) -> None:
        async with asyncio.TaskGroup() as group:
            for _ in range(min(self._instances, most)):
                group.create_task(work())


def _next(waiting: list[Spot], before: Sequence[Spot]) -> Spot:
    """One under the same conditions as the one before, if there is one: no process has to be set up anew."""
    if before:
        for index, spot in enumerate(waiting):
            if spot.way.conditions == before[-1].way.conditions:
                return waiting.pop(index)
    return waiting.pop(0)
