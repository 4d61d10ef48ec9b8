"""What the start shows: each step as it begins, and when that was."""

import time
from collections.abc import Callable

import typer


class Steps:
    """One line per step, whole when it is written: the children's own lines may come in between."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._began_s = clock()

    def __call__(self, step: str) -> None:
        typer.echo(f"{self._clock() - self._began_s:5.1f} s  {step}")
