"""docs/evidence/performance.md between its markers, and the plot beside it: nothing in them but what was measured.

So is the model in docs/evidence/scaling.md, which is worked out from that.
"""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from benchmarks.load.figures import KINDS
from benchmarks.load.goals import GOALS, RATES, TIMES, Goal, kept
from benchmarks.load.model import model
from benchmarks.load.plot import plot
from benchmarks.load.results import Results
from benchmarks.load.workloads import WORKLOADS
from oms.platform.settings import PROJECT_DIR

PAGE: Final = PROJECT_DIR / "docs/evidence/performance.md"
PLOT: Final = PROJECT_DIR / "docs/evidence/performance.svg"
SCALING_PAGE: Final = PROJECT_DIR / "docs/evidence/scaling.md"
_RENDERED: Final = "python -m oms bench --render"
_NOTHING: Final = "–"


def render_page(results_file: Path, page: Path = PAGE, picture: Path = PLOT, scaling_page: Path = SCALING_PAGE) -> None:
    results = Results.read(results_file)
    write_between(page, _RENDERED, figures_page(results))
    write_between(scaling_page, _RENDERED, model(results))
    picture.write_text(plot(results))


def write_between(page: Path, command: str, figures: str) -> None:
    """Replaces the text between the markers. Raises: ValueError without markers."""
    between = re.compile(f"(?<=<!-- figures: {re.escape(command)} -->\n).*?(?=<!-- end of figures -->)", re.DOTALL)
    text, count = between.subn(lambda _: figures, page.read_text())
    if not count:
        raise ValueError(f"{page} has lost its markers")
    page.write_text(text)


def figures_page(results: Results) -> str:
    """The text between the markers."""
    parts = ["", *_machine(results), "", "### Goals", "", *_goals(results), ""]
    if not results.measured:
        return "\n".join(parts)
    for filled in sorted(map(int, results.measured)):
        parts += [f"### With {filled:,} orders in the database beforehand", "", *_workloads(results, filled), ""]
    if results.fillings:
        parts += ["### What is kept of the empty database's figures", "", *_kept(results), ""]
    parts += ["### What else was counted", "", *_details(results), ""]
    return "\n".join(parts)


def _machine(results: Results) -> Iterator[str]:
    machine = results.machine
    if not results.measured:
        yield "Nothing has been measured yet: run `python -m oms bench`, then `python -m oms bench --render`."
        return
    measured = [each for by_name in results.measured.values() for each in by_name.values()]
    first, last = min(each.at for each in measured), max(each.at for each in measured)
    busiest = max(each.load for each in measured)
    yield (
        f"Measured from {first} to {last} on {machine['cores']} cores ({machine['processor']}), "
        f"{machine['memory_gb']} GB of memory, the load client included; PostgreSQL {machine['postgres']}, "
        f"Valkey {machine['valkey']}, Python {machine['python']}. "
        f"The machine's load average before a workload was {busiest:g} at most."
    )
    shapes = {_shape(each.options) for each in measured}
    yield from (f"{shape}." for shape in sorted(shapes))


def _shape(options: object) -> str:
    assert isinstance(options, dict)  # noqa: S101 - as Results keeps them
    return (
        f"{options['web_processes']} web processes, {options['worker_processes']} worker; {options['runs']} runs of "
        f"{options['seconds']:g} s each, of which the tables show the median"
    )


def _goals(results: Results) -> Iterator[str]:
    yield from _head("", "goal", "bound", "measured", "reached")
    for goal in GOALS:
        reached = {None: _NOTHING, True: "yes", False: "**no**"}[goal.reached(results)]
        sign = "≤" if goal.at_most else "≥"
        yield _row(goal.number, goal.what, f"{sign} {goal.bound:,g} {goal.unit}", _measured(goal, results), reached)


def _measured(goal: Goal, results: Results) -> str:
    found = goal.figure(results)
    return _NOTHING if found is None else f"{_number(found)} {goal.unit}"


def _workloads(results: Results, filled: int) -> Iterator[str]:
    yield "Milliseconds of processor are for each order, request or delivery counted."
    yield ""
    yield from _head("workload", "/s", "p50 ms", "p99 ms", *(f"{kind} CPU ms" for kind in KINDS))
    columns = ("rate_per_s", "p50_ms", "p99_ms", *(f"cpu_ms_{kind}" for kind in KINDS))
    for workload in WORKLOADS:
        if results.runs(filled, workload.name):
            cells = (_cell(results.figure(workload.name, column, filled=filled)) for column in columns)
            yield _row(f"`{workload.name}`: {workload.about}", *cells)


def _kept(results: Results) -> Iterator[str]:
    yield "Of rates: the full database's by the empty one's. Of times to BOOKED: the empty one's p99 by the full one's."
    yield ""
    yield from _head("workload", *(f"{filled:,} orders" for filled in results.fillings))
    for name in (*RATES, *TIMES):
        yield _row(f"`{name}`", *(_cell(kept(results, name, filled)) for filled in results.fillings))
    took = [f"{int(filled):,} orders in {seconds:,.0f} s" for filled, seconds in results.fill_s.items()]
    if took:
        yield ""
        yield f"The loader made {', '.join(took)}."


_COMMON: Final = frozenset(
    {"count", "seconds", "rate_per_s", "p50_ms", "p99_ms", *(f"cpu_ms_{kind}" for kind in KINDS)}
)


def _details(results: Results) -> Iterator[str]:
    yield from _head("workload", "orders beforehand", "medians")
    for filled in sorted(map(int, results.measured)):
        for workload in WORKLOADS:
            runs = results.runs(filled, workload.name)
            names = sorted({name for run in runs for name in run} - _COMMON)
            told = [f"{name} {_cell(results.figure(workload.name, name, filled=filled))}" for name in names]
            if told:
                yield _row(f"`{workload.name}`", f"{filled:,}", ", ".join(told))


def _head(*names: str) -> Iterator[str]:
    yield _row(*names)
    yield _row(*("---" for _ in names))


def _row(*cells: str) -> str:
    return f"| {' | '.join(cell.strip() for cell in cells)} |"


def _cell(found: float | None) -> str:
    return _NOTHING if found is None else _number(found)


def _number(found: float) -> str:
    """At least three significant digits."""
    return f"{found:,.0f}" if abs(found) >= 100 else f"{found:.3g}"
