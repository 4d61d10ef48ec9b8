"""The options of a run."""

from dataclasses import dataclass
from pathlib import Path

from oms.platform.settings import PROJECT_DIR

RESULTS = PROJECT_DIR / "benchmarks/results/measured.json"


@dataclass(frozen=True, slots=True)
class Options:
    """`only`: workloads by name; empty: all. `fillings`: how many finished orders the database holds beforehand.

    Each workload is warmed up for `warm_up_s` and then measured `runs` times for `seconds` each. `outstanding` orders
    at most are placed and not completed yet in the whole life. The rest are the sizes of single workloads.
    """

    only: tuple[str, ...] = ()
    fillings: tuple[int, ...] = (0, 1_000_000, 10_000_000)
    runs: int = 3
    seconds: float = 20
    warm_up_s: float = 8
    web_processes: int = 2
    worker_processes: int = 1
    connections: int = 32
    outstanding: int = 1_000
    subscribers: int = 2_000
    changes_per_s: float = 100
    flash_orders: int = 10_000
    orders_at_the_limit: int = 1_000
    folder: Path | None = None
    results: Path = RESULTS
