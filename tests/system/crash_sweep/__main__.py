"""`python -m tests.system.crash_sweep`: kills web and worker at every statement and call in the life of an order."""

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
from tests.system.crash_sweep.instances import Instances
from tests.system.crash_sweep.processes import ForkServer
from tests.system.crash_sweep.scenarios import SCENARIOS
from tests.system.crash_sweep.sweep import Report, Sweep, Target

REPORT_EVERY_S: Final = 60.0


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.system.crash_sweep", description=__doc__)
    parser.add_argument("--scenario", action="append", choices=sorted(SCENARIOS), help="only this one; may be repeated")
    parser.add_argument("--place", default="", help="only points with this text in their name")
    parser.add_argument("--every", type=int, default=1, help="only every n-th point")
    parser.add_argument("--instances", type=int, default=6, help="how many run at once")
    parser.add_argument("--list", action="store_true", help="print the points and kill nothing")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="oms-crash-sweep-") as folder:
        Path(folder).chmod(0o711)
        with Engines(Path(folder) / "engines", durable=False) as engines:
            return asyncio.run(_sweep(engines, Path(folder) / "instances", arguments))


async def _sweep(engines: Engines, folder: Path, arguments: argparse.Namespace) -> int:
    scenarios = [SCENARIOS[name] for name in arguments.scenario or SCENARIOS]
    async with ForkServer() as fork_server, Instances(engines, folder, fork_server) as instances:
        sweep = Sweep(instances, at_once=arguments.instances, report_progress=Progress())
        recorded = await sweep.record(scenarios)
        targets = [target for target in recorded if arguments.place in str(target)][:: arguments.every]
        print(f"{len(recorded)} points in {len(scenarios)} scenarios, {len(targets)} to try.", flush=True)
        if arguments.list:
            print(*targets, sep="\n")
            return 0
        report = await sweep.run(targets)
    _print(report, targets)
    return 1 if report.violations or report.not_reached else 0


class Progress:
    """One line that changes in a terminal; elsewhere a line every minute."""

    def __init__(self) -> None:
        self._reported_s = time.monotonic()

    def __call__(self, line: str) -> None:
        if sys.stderr.isatty():
            print(f"\r{line}\033[K", end="", file=sys.stderr, flush=True)
        elif time.monotonic() - self._reported_s > REPORT_EVERY_S:
            self._reported_s = time.monotonic()
            print(line, file=sys.stderr, flush=True)


def _print(report: Report, targets: Sequence[Target]) -> None:
    print("\n| scenario | web | worker | killed |\n| --- | ---: | ---: | ---: |")
    counts = Counter((target.scenario.name, target.point.process) for target in report.killed)
    for name in dict.fromkeys(target.scenario.name for target in targets):
        web, worker = counts[name, "web"], counts[name, "worker"]
        print(f"| {name.replace('_', ' ')} | {web} | {worker} | {web + worker} |")
    by_process = report.kills_by_process()
    print(f"| all | {by_process['web']} | {by_process['worker']} | {len(report.killed)} |")
    for target in report.not_reached:
        print(f"Not reached: {target}")
    for violation in report.violations:
        print(f"Violation: {violation}")
    print(
        f"{len(report.killed)} of {len(targets)} points, {len(report.not_reached)} not reached, {report.plays} orders, "
        f"{report.checks} checks, {len(report.violations)} violations, {report.took_s:.0f} s"
    )


if __name__ == "__main__":
    sys.exit(main())
