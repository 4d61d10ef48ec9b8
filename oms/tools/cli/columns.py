"""Prints lists in columns, readable by people and by programs."""

from collections.abc import Iterable, Sequence
from datetime import datetime

import typer


def print_columns(headings: Sequence[str], rows: Iterable[Sequence[str]]) -> None:
    """A line of headings, then one for each row. An empty value is a dash."""
    table = [list(headings), *([cell or "–" for cell in row] for row in rows)]
    widths = [max(len(row[column]) for row in table) for column in range(len(headings))]
    for row in table:
        typer.echo("  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip())


def instant(at: datetime | None) -> str:
    """UTC, to the second; empty for None."""
    return "" if at is None else at.strftime("%Y-%m-%dT%H:%M:%SZ")
