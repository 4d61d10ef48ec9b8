"""Samples of the system's operations over the last minutes, and charts of them.

Each web process keeps its own, taken when the page is loaded; an open page reloads every two seconds.
"""

from collections import deque
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

SLOT_S: Final = 5
SLOTS: Final = 60
"""A chart shows five minutes, in bars of five seconds."""

BAR_WIDTH: Final = 5
HEIGHT: Final = 48
_LEAST_BAR: Final = 1.5
"""A sample of 0 is a line at the bottom, a slot without a sample a gap."""


@dataclass(frozen=True, slots=True)
class Sample:
    """The API's `operations` at one time."""

    at: datetime
    workers: Mapping[str, int]
    backlog: Mapping[str, int]
    completion_rate: float

    @classmethod
    def of(cls, operations: Mapping[str, Any], at: datetime) -> "Sample":
        queues = operations["queues"]
        return cls(
            at,
            workers={queue["name"]: queue["workers"] for queue in queues},
            backlog={queue["name"]: queue["backlog"] for queue in queues},
            completion_rate=operations["completionRate"],
        )

    @property
    def slot(self) -> int:
        return int(self.at.timestamp()) // SLOT_S


@dataclass(frozen=True, slots=True)
class Bar:
    """A rectangle in units of the chart, whose origin is at the top left."""

    x: float
    y: float
    height: float


@dataclass(frozen=True, slots=True)
class Chart:
    """Bars, the latest at the right, and their values as text."""

    bars: tuple[Bar, ...]
    latest: float
    highest: float
    width: int = SLOTS * BAR_WIDTH
    height: int = HEIGHT


@dataclass(frozen=True, slots=True)
class Minute:
    """One minute: the lowest number of workers of a queue, the highest total backlog, the highest rate."""

    at: datetime
    workers: int
    backlog: int
    completion_rate: float


class Samples:
    """The samples of the last five minutes."""

    def __init__(self) -> None:
        self._samples: deque[Sample] = deque(maxlen=1_000)

    def add(self, sample: Sample) -> None:
        self._samples.append(sample)
        oldest = sample.at - timedelta(seconds=SLOTS * SLOT_S)
        while self._samples[0].at < oldest:
            self._samples.popleft()

    def chart(self, figure: Callable[[Sample], float]) -> Chart:
        """The highest value in each slot; needs a sample."""
        last = self._samples[-1].slot
        highest_of: dict[int, float] = {}
        for sample in self._samples:
            place = SLOTS - 1 - (last - sample.slot)
            highest_of[place] = max(figure(sample), highest_of.get(place, 0))
        highest = max(highest_of.values())
        bars = tuple(_bar(place, value, highest) for place, value in sorted(highest_of.items()) if place >= 0)
        return Chart(bars, latest=figure(self._samples[-1]), highest=highest)

    def minutes(self) -> Iterator[Minute]:
        """Latest first."""
        by_minute: dict[datetime, list[Sample]] = {}
        for sample in reversed(self._samples):
            by_minute.setdefault(sample.at.replace(second=0, microsecond=0), []).append(sample)
        for minute, samples in by_minute.items():
            yield Minute(
                minute,
                workers=min(min(sample.workers.values()) for sample in samples),
                backlog=max(sum(sample.backlog.values()) for sample in samples),
                completion_rate=max(sample.completion_rate for sample in samples),
            )


def _bar(place: int, value: float, highest: float) -> Bar:
    height = max(_LEAST_BAR, HEIGHT * value / highest if highest else 0)
    return Bar(x=place * BAR_WIDTH, y=round(HEIGHT - height, 1), height=round(height, 1))
