"""The performance goals, each with a figure and its limit. Source: docs/evidence/performance.md."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from benchmarks.load.figures import SERVERS
from benchmarks.load.results import Results

READS: Final = ("detail", "list", "page")
RATES: Final = ("place", "bulk", "life", *READS, "search")
TIMES: Final = ("idle", "half")
FLAT: Final = 0.9


@dataclass(frozen=True, slots=True)
class Goal:
    """`at_most`: smaller is better. `figure`: None if it was not measured."""

    number: str
    what: str
    bound: float
    unit: str
    figure: Callable[[Results], float | None]
    at_most: bool = False

    def reached(self, results: Results) -> bool | None:
        found = self.figure(results)
        if found is None:
            return None
        return found <= self.bound if self.at_most else found >= self.bound

    def share(self, results: Results) -> float | None:
        """The ratio to the goal: 1 meets it, 2 is twice as good."""
        found = self.figure(results)
        if found is None:
            return None
        if self.at_most:
            return self.bound / found if found else float("inf")
        return found / self.bound if self.bound else float("inf")


def of(name: str, figure: str) -> Callable[[Results], float | None]:
    return lambda results: results.figure(name, figure)


def cpu_ms_an_order(results: Results) -> float | None:
    """Of the workload life, for all processes of the shop."""
    parts = [results.figure("life", f"cpu_ms_{kind}") for kind in SERVERS]
    found = [part for part in parts if part is not None]
    return sum(found) if len(found) == len(parts) else None


def slowest_read_ms(results: Results) -> float | None:
    found = [results.figure(name, "p99_ms") for name in READS]
    times = [each for each in found if each is not None]
    return max(times) if len(times) == len(READS) else None


def kept(results: Results, name: str, filled: int) -> float | None:
    """The ratio to the rate, or to the speed, in the empty database."""
    figure = "p99_ms" if name in TIMES else "rate_per_s"
    empty, full = results.figure(name, figure), results.figure(name, figure, filled=filled)
    if not empty or not full:
        return None
    return empty / full if name in TIMES else full / empty


def least_kept(results: Results) -> float | None:
    """Of all workloads, in the largest database that was measured."""
    if not results.fillings:
        return None
    found = [kept(results, name, results.fillings[-1]) for name in (*RATES, *TIMES)]
    return min((each for each in found if each is not None), default=None)


_AFTER_STREAMS: Final = frozenset({"live", "flash", "limit"})
"""Run in this order on the same processes: one that had 2,000 streams keeps their memory, which has its own goal."""


def largest_mb(kind: str) -> Callable[[Results], float | None]:
    """Of all runs of all workloads, except those with 2,000 open streams and later ones."""
    name = f"rss_mb_{kind}"

    def figure(results: Results) -> float | None:
        measured = [each for by_name in results.measured.values() for each in by_name.items()]
        runs = [run for workload, each in measured if workload not in _AFTER_STREAMS for run in each.runs]
        return max((run[name] for run in runs if name in run), default=None)

    return figure


def worst(workload: str, name: str) -> Callable[[Results], float | None]:
    """Of all runs: later ones reuse memory that the process allocated in the first."""

    def figure(results: Results) -> float | None:
        return max((run[name] for run in results.runs(0, workload) if name in run), default=None)

    return figure


GOALS: Final = (
    Goal("1", "placeOrder, rate against pgbench's", 0.7, "", of("place", "ratio")),
    Goal("1", "placeOrder, p99", 60, "ms", of("place", "p99_ms"), at_most=True),
    Goal("2", "placeOrders in hundreds", 5_000, "orders/s", of("bulk", "rate_per_s")),
    Goal("3", "whole life, sustained", 600, "orders/s", of("life", "rate_per_s")),
    Goal("3", "processor time of an order's whole life", 3, "ms", cpu_ms_an_order, at_most=True),
    Goal("4", "placed to BOOKED, idle, p50", 30, "ms", of("idle", "p50_ms"), at_most=True),
    Goal("4", "placed to BOOKED, idle, p99", 60, "ms", of("idle", "p99_ms"), at_most=True),
    Goal("4", "placed to BOOKED at half load, p99", 500, "ms", of("half", "p99_ms"), at_most=True),
    Goal("5", "order detail", 1_500, "/s", of("detail", "rate_per_s")),
    Goal("5", "list of 50 orders", 500, "/s", of("list", "rate_per_s")),
    Goal("5", "order page as HTML", 500, "/s", of("page", "rate_per_s")),
    Goal("5", "slowest of the three, p99", 50, "ms", slowest_read_ms, at_most=True),
    Goal("6", "live delivery, p99", 250, "ms", of("live", "p99_ms"), at_most=True),
    Goal("6", "deliveries lost", 0, "", of("live", "lost"), at_most=True),
    Goal("6", "memory of a subscriber", 60, "KB", worst("live", "each_kb"), at_most=True),
    Goal("7", "flash sale, rate against uncontended", 0.8, "", of("flash", "ratio")),
    Goal("7", "one customer at the limit, rate against uncontended", 0.8, "", of("limit", "ratio")),
    Goal("8", "least kept of any rate or time, database full", FLAT, "", least_kept),
    Goal("9", "web process, largest, streams aside", 150, "MB", largest_mb("web"), at_most=True),
    Goal("9", "worker process, largest", 150, "MB", largest_mb("worker"), at_most=True),
    Goal("9", "start of a web process", 1.5, "s", of("start", "start_s"), at_most=True),
)
