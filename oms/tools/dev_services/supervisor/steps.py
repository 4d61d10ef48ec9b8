"""Prints the steps of the start."""

import time
from collections.abc import Callable

import typer


class Steps:
    """Prints a complete line when a step begins; lines of child processes may come in between."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._started_s = clock()

    def __call__(self, step: str) -> None:
        typer.echo(f"{self._clock() - self._started_s:5.1f} s  {step}")
