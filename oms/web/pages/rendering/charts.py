"""Charts in a box of 100 × 100 that stretches, y downwards. Their words stand beside them, and as a table below.

None stands for unknown: a gap in a line, a shaded part of a bar chart. Zero is drawn as zero.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Final

Value = float | None
Written = Callable[[float], str]

INTERVALS: Final = 3
"""Of the y-axis, between its grid lines."""

_STEPS: Final = (1, 2, 5, 10)
_SPACE: Final = 0.15
"""The share of a slot that its bar leaves free."""


@dataclass(frozen=True, slots=True)
class Axis:
    """From 0 to `top`. `labels`: of the grid lines, the highest first."""

    top: float
    labels: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Bar:
    """A rectangle, and what it says."""

    x: float
    y: float
    width: float
    height: float
    text: str = ""


@dataclass(frozen=True, slots=True)
class Table:
    """The figures of a chart: the first entry of each row is its heading."""

    heads: Sequence[str]
    rows: Sequence[Sequence[object]]


@dataclass(frozen=True, slots=True)
class Chart:
    """`said`: the finding as a sentence. `xs`: labels of the x-axis, at equal distances.

    `lines`, `before` (the comparison): points of polylines, one for each part without a gap. `areas`: down to 0.
    """

    id: str
    title: str
    said: str
    ys: Sequence[str]
    xs: Sequence[str]
    table: Table
    bars: Sequence[Bar] = ()
    gaps: Sequence[Bar] = ()
    lines: Sequence[str] = ()
    areas: Sequence[str] = ()
    before: Sequence[str] = ()
    end: tuple[float, float] | None = None


def axis(highest: float, written: Written = "{:,.0f}".format, *, least: float = 1) -> Axis:
    """With round numbers. `least`: the smallest distance of two grid lines."""
    wanted = max(highest / INTERVALS, least)
    unit = least
    while unit * _STEPS[-1] < wanted:
        unit *= 10
    step = next(unit * factor for factor in _STEPS if unit * factor >= wanted)
    return Axis(step * INTERVALS, tuple(written(step * number) for number in range(INTERVALS, -1, -1)))


def bars(values: Sequence[Value], of: int, top: float, texts: Sequence[str]) -> list[Bar]:
    """Of the known values; the axis has `of` slots. Zero is a line at the bottom."""
    width = 100 / of
    return [
        Bar(
            round(width * (place + _SPACE / 2), 2), round(100 - 100 * value / top, 2), round(width * (1 - _SPACE), 2),
            round(100 * value / top, 2), texts[place],
        )
        for place, value in enumerate(values)
        if value is not None
    ]  # fmt: skip


def gaps(values: Sequence[Value], of: int) -> list[Bar]:
    """The unknown parts, each as high as the chart."""
    found, place = [], 0
    for is_unknown, group in groupby(values, lambda value: value is None):
        number = len(list(group))
        if is_unknown:
            found.append(Bar(round(100 * place / of, 2), 0, round(100 * number / of, 2), 100))
        place += number
    return found


def lines(points: Sequence[tuple[float, Value]], of: float, top: float) -> list[list[tuple[float, float]]]:
    """The parts of the line without a gap. `points`: (place from 0 to `of`, value)."""
    parts = []
    for is_known, group in groupby(points, lambda point: point[1] is not None):
        if is_known:
            parts.append([(round(100 * x / of, 2), round(100 - 100 * (y or 0) / top, 2)) for x, y in group])
    return parts


def polyline(points: Sequence[tuple[float, float]]) -> str:
    return " ".join(f"{x:g},{y:g}" for x, y in points)


def area(points: Sequence[tuple[float, float]]) -> str:
    """Below the line, down to zero."""
    return f"{points[0][0]:g},100 {polyline(points)} {points[-1][0]:g},100"


def running_total(values: Sequence[Value]) -> Iterator[Value]:
    """At the beginning and after each value: from 0 where the first known value begins; unknown after a gap."""
    first = next((place for place, value in enumerate(values) if value is not None), len(values))
    yield from [None] * first
    if first < len(values):
        total: Value = 0
        yield total
        for value in values[first:]:
            total = None if total is None or value is None else total + value
            yield total
    else:
        yield None


def highest(*series: Sequence[Value]) -> float:
    """0 if nothing is known."""
    return max((value for values in series for value in values if value is not None), default=0)


def slotted(
    values: Mapping[int, Sequence[float]], number: int, chosen: Callable[[Sequence[float]], float]
) -> list[Value]:
    """The values of the first slots, one for each: what `chosen` makes of those that fall into it."""
    return [chosen(values[place]) if values.get(place) else None for place in range(number)]
