"""What the start shows: each step as it begins, and how long it took."""

import time
from collections.abc import Callable

import typer


class Steps:
    """One line per step. A step ends when the next begins, or with `finish`."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._began_s = self._step_began_s = clock()
        self._open = False

    def __call__(self, step: str) -> None:
        self._close()
        typer.echo(f"  {step} … ", nl=False)
        self._step_began_s = self._clock()
        self._open = True

    def finish(self) -> float:
        """End the last step; returns the seconds since the first."""
        self._close()
        return self._clock() - self._began_s

    def abandon(self) -> None:
        """The step failed: what follows begins on a line of its own."""
        if self._open:
            typer.echo("failed")
        self._open = False

    def _close(self) -> None:
        if self._open:
            typer.echo(f"{self._clock() - self._step_began_s:.1f} s")
        self._open = False
