"""`python -m tests.system.crash_sweep`: kills web and worker at every statement and call of an order's life."""

import argparse
import asyncio
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from oms.tools.dev_services.embedded import Engines
from tests.system.crash_sweep.ground import Ground
from tests.system.crash_sweep.processes import Nursery
from tests.system.crash_sweep.sweep import Report, Spot, Sweep
from tests.system.crash_sweep.ways import WAYS

TELL_EVERY_S: Final = 60.0


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.system.crash_sweep", description=__doc__)
    parser.add_argument("--way", action="append", choices=sorted(WAYS), help="only this one; may be given again")
    parser.add_argument("--place", default="", help="only points with this text in their name")
    parser.add_argument("--every", type=int, default=1, help="only every n-th point")
    parser.add_argument("--instances", type=int, default=6, help="how many run at once")
    parser.add_argument("--list", action="store_true", help="print the points, and kill nobody")
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="oms-crash-sweep-") as folder:
        Path(folder).chmod(0o711)
        with Engines(Path(folder) / "engines", durable=False) as engines:
            return asyncio.run(_sweep(engines, Path(folder) / "ground", asked))


async def _sweep(engines: Engines, folder: Path, asked: argparse.Namespace) -> int:
    ways = [WAYS[name] for name in asked.way or WAYS]
    async with (
        Nursery() as nursery,
        Ground(engines, folder, nursery) as ground,
    ):
        sweep = Sweep(ground, instances=asked.instances, tell=Progress())
        recorded = await sweep.record(ways)
        spots = [spot for spot in recorded if asked.place in str(spot)][:: asked.every]
        print(f"{len(recorded)} points on {len(ways)} ways; {len(spots)} to be tried.", flush=True)
        if asked.list:
            print(*spots, sep="\n")
            return 0
        report = await sweep.run(spots)
    _print(report, spots)
    return 1 if report.violations or report.not_reached else 0


class Progress:
    """One line that changes in a terminal; elsewhere a line now and then."""

    def __init__(self) -> None:
        self._told_s = time.monotonic()

    def __call__(self, line: str) -> None:
        if sys.stderr.isatty():
            print(f"\r{line}\033[K", end="", file=sys.stderr, flush=True)
        elif time.monotonic() - self._told_s > TELL_EVERY_S:
            self._told_s = time.monotonic()
            print(line, file=sys.stderr, flush=True)


def _print(report: Report, spots: Sequence[Spot]) -> None:
    print("\n| way | web | worker | killed |\n| --- | ---: | ---: | ---: |")
    counts = Counter((spot.way.name, spot.point.process) for spot in report.killed)
    for name in dict.fromkeys(spot.way.name for spot in spots):
        web, worker = counts[name, "web"], counts[name, "worker"]
        print(f"| {name.replace('_', ' ')} | {web} | {worker} | {web + worker} |")
    by_process = report.kills_by_process()
    print(f"| all | {by_process['web']} | {by_process['worker']} | {len(report.killed)} |")
    for spot in report.not_reached:
        print(f"Not reached: {spot}")
    for violation in report.violations:
        print(f"Violation: {violation}")
    print(
        f"{len(report.killed)} of {len(spots)} points, {len(report.not_reached)} not reached, {report.plays} orders, "
        f"{report.checks} checks, {len(report.violations)} violations, {report.took_s:.0f} s"
    )


if __name__ == "__main__":
    sys.exit(main())
