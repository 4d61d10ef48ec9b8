"""`python -m tests.system.simulation --seeds N --steps M [--seed S]`: many histories, and the shortest that fails."""

import argparse
import sys
import tempfile
import time
from pathlib import Path

from oms.tools.dev_services.embedded import Engines
from tests.system.simulation.simulator import Simulator, shortest


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.system.simulation", description=__doc__)
    parser.add_argument("--seeds", type=int, default=20, help="number of histories")
    parser.add_argument("--steps", type=int, default=100, help="steps of each, before the faults end")
    parser.add_argument("--seed", type=int, default=1, help="the first seed")
    parser.add_argument("--only", help="numbers of steps, as a failure prints them, for a single seed")
    parser.add_argument("--database-url", default="", help="a PostgreSQL server; by default, one is started")
    parser.add_argument("--verbose", action="store_true", help="print every history")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="oms-simulation-") as folder:
        Path(folder).chmod(0o711)
        # Redis is simulated, so none is started.
        with (
            Engines(
                Path(folder) / "engines",
                durable=False,
                database_url=arguments.database_url or None,
                redis_url="redis://127.0.0.1:1/0",
            ) as engines,
            Simulator(engines.owner_url) as simulator,
        ):
            return _run(simulator, arguments)


def _run(simulator: Simulator, arguments: argparse.Namespace) -> int:
    started_s, steps, turns = time.perf_counter(), 0, 0
    numbers = [int(number) for number in arguments.only.split(",")] if arguments.only else arguments.steps
    for seed in range(arguments.seed, arguments.seed + arguments.seeds):
        outcome = simulator.history(seed, numbers)
        steps, turns = steps + outcome.steps, turns + outcome.turns
        if arguments.verbose:
            print(outcome.text, end="")
        if outcome.violations:
            short = shortest(simulator, outcome)
            print(f"Seed {seed} fails:", *outcome.violations, "The shortest history found:", sep="\n")
            print(short.text, end="")
            chosen = ",".join(map(str, short.taken))
            print(f"Again: python -m tests.system.simulation --seeds 1 --seed {seed} --only {chosen}")
            return 1
    took_s = time.perf_counter() - started_s
    rates = f"{steps / took_s:,.0f} and {turns / took_s:,.0f} per second"
    print(f"{arguments.seeds} histories, {steps:,} steps, {turns:,} turns in {took_s:.1f} s ({rates}): no rule broken.")
    return 0


if __name__ == "__main__":
    sys.exit(main())
