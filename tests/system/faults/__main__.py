"""`python -m tests.system.faults --operations N [--seed S]`: trials with real processes, until N requests were sent."""

import argparse
import statistics
import sys
from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence

from tests.system.faults.fault_kinds import KINDS
from tests.system.faults.recovery import Recovery
from tests.system.faults.trial import Outcome, Trial, run


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.system.faults", description=__doc__)
    parser.add_argument("--operations", type=int, default=5000, help="number of requests, including repeats")
    parser.add_argument("--each", type=int, default=5000, help="requests of one seed")
    parser.add_argument("--seed", type=int, default=1, help="the first seed")
    parser.add_argument("--faults", type=int, default=len(KINDS), help="faults of one seed")
    parser.add_argument("--scale", type=float, default=0.1, help="of long outages (Valkey, providers); 1: minutes")
    parser.add_argument(
        "--kind", action="append", choices=list(KINDS), help="only faults of this kind; may be repeated"
    )
    parser.add_argument("--crowd", type=int, default=1, help="number of carts, and half the number of couriers")
    parser.add_argument("--verbose", action="store_true", help="print what happens as it happens")
    arguments = parser.parse_args()
    outcomes: list[Outcome] = []
    while sum(outcome.operations.total() for outcome in outcomes) < arguments.operations:
        left = arguments.operations - sum(outcome.operations.total() for outcome in outcomes)
        trial = Trial(
            arguments.seed + len(outcomes),
            min(arguments.each, left),
            arguments.faults,
            arguments.scale,
            arguments.kind,
            arguments.crowd,
        )
        outcome = run(trial, report=print if arguments.verbose else lambda _: None)
        outcomes.append(outcome)
        print(_line(outcome), flush=True)
        if outcome.violations:
            print(*outcome.timeline, f"Seed {trial.seed} fails:", *outcome.violations, sep="\n")
            break
    print(*_report(outcomes), sep="\n")
    return 1 if any(outcome.violations for outcome in outcomes) else 0


def _line(outcome: Outcome) -> str:
    counted = ", ".join(f"{count:,} {what}" for what, count in outcome.operations.most_common())
    skipped = outcome.skipped and f", no full disk: {outcome.skipped}"
    return (
        f"Seed {outcome.trial.seed}: {outcome.operations.total():,} requests ({counted}), {outcome.orders:,} orders, "
        f"{len(outcome.recoveries)} faults, {outcome.took_s:.0f} s{skipped}"
    )


def _report(outcomes: Sequence[Outcome]) -> Iterator[str]:
    operations: Counter[str] = sum((outcome.operations for outcome in outcomes), Counter())
    counted = ", ".join(f"{count:,} {what}" for what, count in operations.most_common())
    yield f"\n{len(outcomes)} seeds, {operations.total():,} requests: {counted}."
    yield (
        f"{sum(o.orders for o in outcomes):,} orders and {sum(o.commands for o in outcomes):,} commands acknowledged, "
        f"{sum(len(o.recoveries) for o in outcomes):,} faults, {sum(len(o.violations) for o in outcomes)} violations, "
        f"{sum(o.took_s for o in outcomes):,.0f} s.\n"
    )
    yield "| fault | times | placing again, median | worst | work calm, median | worst |"
    yield "| --- | ---: | ---: | ---: | ---: | ---: |"
    by_kind: dict[str, list[Recovery]] = defaultdict(list)
    for outcome in outcomes:
        for recovery in outcome.recoveries:
            by_kind[recovery.kind].append(recovery)
    for kind in KINDS:
        if recoveries := by_kind[kind]:
            yield _row(kind, recoveries)


def _row(kind: str, recoveries: Sequence[Recovery]) -> str:
    placing = [recovery.placing_s for recovery in recoveries]
    work = [recovery.work_s for recovery in recoveries if recovery.work_s is not None]
    times = [statistics.median(placing), max(placing), *((statistics.median(work), max(work)) if work else ())]
    return f"| {kind} | {len(recoveries)} | " + " | ".join(f"{seconds:.1f} s" for seconds in times) + " |"


if __name__ == "__main__":
    sys.exit(main())
