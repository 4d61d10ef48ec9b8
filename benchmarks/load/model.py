"""The model in docs/evidence/scaling.md: what ten thousand orders per second need, from the cost of one here."""

from collections.abc import Iterator
from typing import Final

from benchmarks.load.figures import SERVERS
from benchmarks.load.results import Results

PER_S: Final = 10_000
IN_USE: Final = 0.6
"""Average load of a core, so that queues stay short and some cores may fail."""

LOOKS: Final = {"detail": 3, "page": 2, "list": 0.5}
"""Assumed reads for each order: its details, its page, and a list of fifty orders."""


def model(results: Results) -> str:
    """Markdown; without figures that were not measured."""
    rows = [_row("", "ms of core an order", f"cores at {PER_S:,}/s", f"cores at {IN_USE:.0%} in use")]
    rows.append(_row(*("---" for _ in range(4))))
    rows += [_cores(name, costs_ms) for name, costs_ms in _costs(results)]
    return "\n".join(["", *rows, "", ""])


def _costs(results: Results) -> Iterator[tuple[str, float | None]]:
    for kind in SERVERS:
        yield f"{kind}: its whole life", results.figure("life", f"cpu_ms_{kind}")
    for kind in ("web", "postgres"):
        each = [(times, results.figure(name, f"cpu_ms_{kind}")) for name, times in LOOKS.items()]
        known = [times * cost for times, cost in each if cost is not None]
        yield f"{kind}: being looked at", sum(known) if len(known) == len(each) else None


def _cores(name: str, cost_ms: float | None) -> str:
    if cost_ms is None:
        return _row(name, "–", "–", "–")
    cores = cost_ms * PER_S / 1000
    return _row(name, f"{cost_ms:.2f}", f"{cores:.1f}", f"{cores / IN_USE:.1f}")


def _row(*cells: str) -> str:
    return f"| {' | '.join(cell.strip() for cell in cells)} |"
