"""A chart of the goals as SVG, with a bar for each; readable on light and dark backgrounds."""

from collections.abc import Iterator
from html import escape
from typing import Final

from benchmarks.load.goals import GOALS
from benchmarks.load.results import Results

_ROW: Final = 24
_LEFT: Final = 350
_BAR: Final = 300
_MOST: Final = 2.0
"""Longer bars are cut off here and marked."""

_WIDTH: Final = _LEFT + _BAR + 70
_TOP: Final = 30
_LOOKS: Final = 'font-family="sans-serif" font-size="12" fill="#7d8590"'


def plot(results: Results) -> str:
    height = _TOP + _ROW * len(GOALS) + 10
    goal_x = _LEFT + _BAR / _MOST
    return "\n".join(
        (
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_WIDTH} {height}" {_LOOKS}>',
            "<title>How much of each goal is reached</title>",
            *_rows(results),
            f'<line x1="{goal_x}" y1="{_TOP - 6}" x2="{goal_x}" y2="{height - 10}" stroke="#7d8590"/>',
            f'<text x="{goal_x}" y="{_TOP - 12}" text-anchor="middle">the goal</text>',
            "</svg>\n",
        )
    )


def _rows(results: Results) -> Iterator[str]:
    for place, goal in enumerate(GOALS):
        middle = _TOP + _ROW * place + _ROW // 2
        yield f'<text x="{_LEFT - 8}" y="{middle + 4}" text-anchor="end">{goal.number}. {escape(goal.what)}</text>'
        share = goal.share(results)
        if share is None:
            yield f'<text x="{_LEFT + 6}" y="{middle + 4}">not measured</text>'
            continue
        length = _BAR * min(share, _MOST) / _MOST
        colour = "#2da44e" if goal.reached(results) else "#d1603d"
        yield f'<rect x="{_LEFT}" y="{middle - 7}" width="{length:.1f}" height="14" rx="2" fill="{colour}"/>'
        told = f"over {_MOST:g}" if share > _MOST else f"{share:.2f}"
        yield f'<text x="{_LEFT + length + 6:.1f}" y="{middle + 4}">{told}</text>'
