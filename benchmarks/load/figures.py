"""Results of measurements. Names end with their units."""

import math
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Final

import psutil

Figures = dict[str, float]
"""Of one run. `rate_per_s`, `p50_ms` and `p99_ms` of what the workload counts; `cpu_ms_…` for each of them by kind of
process; `rss_mb_…` of the largest process of a kind; others are named by the workload."""

Processes = Mapping[str, Sequence[psutil.Process]]
"""By kind."""

SERVERS: Final = ("web", "worker", "postgres", "valkey")
CLIENT: Final = "client"
KINDS: Final = (*SERVERS, CLIENT)
_WATCHED: Final = ("web", "worker")
"""The kinds of processes whose memory is measured."""


@dataclass(slots=True)
class Spent:
    """An interval: wall-clock seconds, and CPU seconds by kind of process."""

    wall_s: float = 0.0
    cpu_s: dict[str, float] = field(default_factory=dict)

    def each(self, count: int) -> Figures:
        """The rate per second, and CPU milliseconds for each."""
        figures = {"count": float(count), "seconds": self.wall_s, "rate_per_s": count / self.wall_s}
        return figures | {f"cpu_ms_{kind}": 1000 * cpu_s / max(1, count) for kind, cpu_s in self.cpu_s.items()}


@contextmanager
def spending(processes: Processes) -> Iterator[Spent]:
    """Complete when the block ends. No process may be replaced within it."""
    spent = Spent()
    before, began_s = _cpu_s(processes), time.perf_counter()
    yield spent
    spent.wall_s = time.perf_counter() - began_s
    spent.cpu_s = {kind: cpu_s - before[kind] for kind, cpu_s in _cpu_s(processes).items()}


def _cpu_s(processes: Processes) -> dict[str, float]:
    """Includes ended children, as PostgreSQL has a process for each connection."""
    return {kind: sum(map(_of_one, of_kind)) for kind, of_kind in processes.items()}


def _of_one(process: psutil.Process) -> float:
    if process.pid == psutil.Process().pid:
        own = process.cpu_times()
        return float(own.user + own.system)
    running_s = sum(map(_of_child, process.children()))  # before what has ended: who ends just now is in that
    times = process.cpu_times()
    return float(running_s + times.user + times.system + times.children_user + times.children_system)


def _of_child(process: psutil.Process) -> float:
    try:
        return _of_one(process)
    except psutil.NoSuchProcess:
        return 0.0


def memory(processes: Processes) -> Figures:
    return {
        f"rss_mb_{kind}": max(process.memory_info().rss for process in processes[kind]) / 1e6
        for kind in _WATCHED
        if processes.get(kind)
    }


def percentiles(times_s: Sequence[float], prefix: str = "") -> Figures:
    """The 50th and 99th percentiles in milliseconds."""
    ordered = sorted(times_s)
    if not ordered:
        return {}
    return {
        f"{prefix}p{percent}_ms": 1000 * ordered[math.ceil(len(ordered) * percent / 100) - 1] for percent in (50, 99)
    }


def median(runs: Sequence[Figures], name: str) -> float | None:
    """The median of the runs that have the figure; of an even number, the lower one."""
    found = sorted(run[name] for run in runs if name in run)
    return found[(len(found) - 1) // 2] if found else None
