"""Where a process can be killed: on one side of a place in an order's life, the n-th time it gets there."""

import mmap
import os
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Self

BEFORE: Final = "before"
SENT: Final = "sent"
AFTER: Final = "after"
"""Before the request is sent; sent and not answered; answered and the answer not yet processed."""

_SIZE: Final = 1024
_OFF: Final = 0
_RECORDING: Final = 1
_ARMED: Final = 2


@dataclass(frozen=True, slots=True, order=True)
class Point:
    """`process`: web or worker. `place`: the step, the domain's function and the statement; or a call.

    `number` counts how often a scenario passes this side of this place, from 1.
    """

    process: str
    place: str
    side: str
    number: int

    def __str__(self) -> str:
        return f"{self.process}: {self.side} {self.place} #{self.number}"

    def line(self) -> str:
        return f"{self.side}\t{self.number}\t{self.place}"

    @classmethod
    def of_line(cls, process: str, line: str) -> Self:
        side, number, place = line.split("\t")
        return cls(process, place, side, int(number))


def numbered(process: str, passages: Iterable[str]) -> list[Point]:
    """Points from recorded passages, `side<TAB>place` each, in their order."""
    seen: Counter[str] = Counter()
    points = []
    for passage in passages:
        seen[passage] += 1
        side, place = passage.split("\t")
        points.append(Point(process, place, side, seen[passage]))
    return points


class KillSwitch:
    """Shared by the sweep and one process, in files that outlive the process.

    At every place the process reads the sweep's order from shared memory: a state, a number that grows with each order,
    and the point as text.
    """

    def __init__(self, folder: Path, process: str) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self._process = process
        self._passages = folder / f"{process}.passages"
        self._fired = folder / f"{process}.fired"
        with (folder / f"{process}.orders").open("a+b") as file:
            file.truncate(_SIZE)
            self._memory = mmap.mmap(file.fileno(), _SIZE)
        self._order = -1
        self._seen: Counter[tuple[str, str]] = Counter()
        self._point: Point | None = None

    # Called by the sweep.

    def record(self) -> None:
        self._passages.write_bytes(b"")
        self._command(_RECORDING)

    def recorded(self) -> list[Point]:
        self._command(_OFF)
        return numbered(self._process, self._passages.read_text().splitlines())

    def arm(self, point: Point) -> None:
        self._fired.unlink(missing_ok=True)
        self._command(_ARMED, point.line())

    def disarm(self) -> Point | None:
        """The point at which the process was killed; None if it was not."""
        self._command(_OFF)
        return Point.of_line(self._process, self._fired.read_text()) if self._fired.exists() else None

    def _command(self, state: int, text: str = "") -> None:
        body = text.encode().ljust(_SIZE - 2, b"\0")
        self._memory[2:] = body
        self._memory[1] = (self._memory[1] + 1) % 256
        self._memory[0] = state

    # Called by the process.

    @property
    def is_on(self) -> bool:
        return self._memory[0] != _OFF

    def passed(self, place: str, side: str) -> None:
        """Records the passage, or kills the process here if the sweep ordered it."""
        if self._memory[0] == _RECORDING:
            with self._passages.open("a") as file:
                file.write(f"{side}\t{place}\n")
        elif self._memory[0] == _ARMED:
            self._count(place, side)

    def _count(self, place: str, side: str) -> None:
        if self._memory[1] != self._order:
            self._order = self._memory[1]
            self._seen.clear()
            self._point = Point.of_line(self._process, self._memory[2:].rstrip(b"\0").decode())
        self._seen[place, side] += 1
        if self._point == Point(self._process, place, side, self._seen[place, side]):
            self._fired.write_text(self._point.line())
            self._memory[0] = _OFF
            os.kill(os.getpid(), 9)
